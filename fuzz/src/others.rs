//! The smaller targets: diffs, configurations, suppressions, names of images, versions and other single words.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cce_fix::config::{Config, Decisions, Flags};
use cce_fix::diff::{self, DiffName};
use cce_fix::engine::Examined;
use regex::Regex;
use transforms::images::{Catalogue, ImageRef};
use transforms::settings::{Cidr, Version};
use transforms::suppression::{Date, Reason};
use transforms::{Settings, State, Suppressed};

use crate::case::Case;
use crate::mutate::{self, Sources};
use crate::random::Random;
use crate::target::{Features, Tried, law};
use crate::{fix, options};

/// A diff gives the new file out of the old one, and the old one backwards; painted, it leaves a terminal alone.
pub(crate) fn diff(case: &Case) -> Tried {
    let mut features = Features::default();
    let random = &mut Random::new(case.number);
    let old = &case.body;
    let mut new = String::from_utf8_lossy(old).into_owned();
    let sources = [new.clone()];
    if random.one_in(6) {
        new = fix::examine(old, &options::settings(case.number)).text.unwrap_or(new);
    } else {
        new = mutate::mutated(&new, Sources { texts: &sources, yaml: true }, random);
    }
    let new = new.as_bytes();
    let names = ["a.yaml", "a b.yaml", "../a", "/a/b.yaml", "é\n\".yaml", "./x/./y.yml", "\u{1b}[31m"];
    let path = PathBuf::from(random.pick(&names));
    let text = diff::unified(&DiffName::new(&path, Path::new("/work")), old, new);
    law(text.is_empty() == (old == new), || "a diff of equal files, or none of unequal ones".to_owned())?;
    if text.is_empty() {
        return Ok(features);
    }
    let (forward, backward) = patched(&text, old)?;
    law(forward == new, || format!("applied, it gives another file:\n{}", String::from_utf8_lossy(&text)))?;
    law(backward == *old, || {
        format!("taken back, it gives another file:\n{}", String::from_utf8_lossy(&text))
    })?;
    let painted = diff::paint(&text);
    let bare = String::from_utf8(painted).map_err(|_| "painted, it is no text".to_owned())?;
    for (at, _) in bare.match_indices('\u{1b}') {
        let rest = &bare[at + 1..];
        let end = rest.find('m').ok_or("an escape sequence without an end")?;
        law(
            rest[..end]
                .strip_prefix('[')
                .is_some_and(|code| code.bytes().all(|b| b.is_ascii_digit() || b == b';')),
            || format!("{:?} reaches the terminal", &rest[..end]),
        )?;
    }
    // CRLF stays one.
    let bare = bare.replace("\r\n", "\n");
    let control = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t' | '\u{1b}');
    law(!bare.contains(control), || "a control character reaches the terminal".to_owned())?;
    features.add("hunks", &text.windows(4).filter(|four| four == b"\n@@ ").count().min(9).to_string());
    features.add("no newline", &text.windows(3).any(|three| three == b"\n\\ ").to_string());
    Ok(features)
}

/// The patch applied to `old`, strictly, and what it says that the old file was.
fn patched(diff: &[u8], old: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let lines: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
    let mut hunks = diff.split_inclusive(|byte| *byte == b'\n').peekable();
    let (mut forward, mut backward, mut at) = (Vec::new(), Vec::new(), 0);
    for head in [b"--- ", b"+++ "] {
        law(hunks.next().is_some_and(|line| line.starts_with(head)), || "no header".to_owned())?;
    }
    while let Some(line) = hunks.next() {
        let header = str::from_utf8(line).ok().and_then(|line| {
            let mut words = line.strip_prefix("@@ -")?.strip_suffix(" @@\n")?.split(" +");
            let range = |word: &str| -> Option<(usize, usize)> {
                let (start, count) = word.split_once(',').unwrap_or((word, "1"));
                Some((start.parse().ok()?, count.parse().ok()?))
            };
            Some((range(words.next()?)?, range(words.next()?)?))
        });
        let ((start, mut old_left), (new_start, mut new_left)) =
            header.ok_or_else(|| format!("{:?} is no header", String::from_utf8_lossy(line)))?;
        let from = if old_left == 0 { start } else { start.saturating_sub(1) };
        law(from >= at, || "hunks overlap".to_owned())?;
        for line in lines.get(at..from).ok_or("a hunk begins behind the end")? {
            forward.extend_from_slice(line);
            backward.extend_from_slice(line);
        }
        at = from;
        let before = forward.split_inclusive(|byte| *byte == b'\n').count();
        law(before + usize::from(new_left > 0) == new_start, || {
            format!("line {new_start} of the new file is {before}")
        })?;
        while old_left + new_left > 0 {
            let line = hunks.next().ok_or("a hunk ends early")?;
            let (sign, mut content) = (line[0], &line[1..]);
            if hunks.peek().is_some_and(|next| next.starts_with(b"\\ ")) {
                hunks.next();
                content = &content[..content.len() - 1];
            }
            if sign != b'+' {
                law(lines.get(at).is_some_and(|own| *own == content), || {
                    "a line of the hunk is not the file's".to_owned()
                })?;
                at += 1;
                old_left = old_left.checked_sub(1).ok_or("more old lines than announced")?;
                backward.extend_from_slice(content);
            }
            if sign != b'-' {
                new_left = new_left.checked_sub(1).ok_or("more new lines than announced")?;
                forward.extend_from_slice(content);
            }
            law(b" +-".contains(&sign), || format!("the sign {sign:?}"))?;
        }
    }
    for line in &lines[at..] {
        forward.extend_from_slice(line);
        backward.extend_from_slice(line);
    }
    Ok((forward, backward))
}

const SMALL: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop}
spec:
  hostNetwork: true
  volumes:
  - name: a
    hostPath: {path: /etc/localtime}
  containers:
  - name: main
    image: nginx
    securityContext: {privileged: true}
";

/// A configuration is taken or refused with its place; taken, it leads to what the laws hold for.
pub(crate) fn config(case: &Case) -> Tried {
    let mut features = Features::default();
    let Some(text) = case.text() else { return Ok(features) };
    let path = Path::new("/work/.cce-fix.yaml");
    match Decisions::parse(path, text, &Flags::default()) {
        Err(cce_fix::config::ConfigError::Invalid { line, message, .. }) => {
            // The reader's lines end at every sign that YAML 1.1 ends lines at.
            law(line <= text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count() + 1, || {
                format!("line {line} of {message:?}")
            })?;
            features.add("invalid", message.split('`').next().unwrap_or_default());
        }
        Err(error) => features.add("error", &format!("{error:?}").chars().take(40).collect::<String>()),
        Ok(decisions) => {
            let is_read = text.contains("!!") || serde_yaml::from_str::<serde_yaml::Value>(text).is_ok();
            law(is_read, || "the reader takes no such text".to_owned())?;
            let shown = cce_fix::config::show(&decisions);
            let again = Decisions::parse(path, &shown, &Flags::default())
                .map_err(|error| format!("shown, it is refused: {error}\n{shown}"))?;
            law(cce_fix::config::show(&again) == shown, || format!("shown twice, it differs:\n{shown}"))?;
            for key in shown.lines().filter_map(|line| line.split_once(':')) {
                features.add("key", key.0.trim());
            }
            let made = |settings: &Settings| fix::examine(SMALL.as_bytes(), settings).text;
            law(made(&decisions.settings) == made(&again.settings), || {
                format!("shown, it decides otherwise:\n{shown}")
            })?;
            decisions.excludes(Path::new("/work/a/b.yaml"), false);
            // To the reader a key `<<` merges, quoted or not; no label is called that.
            if text.contains("<<") {
                return Ok(features);
            }
            features.merge(fix::check(SMALL.as_bytes(), &decisions.settings)?);
        }
    }
    let _ = Config::parse(path, text);
    Ok(features)
}

/// Suppressions take findings away and nothing else; those that are written are found again.
pub(crate) fn suppression(case: &Case) -> Tried {
    let mut settings = options::settings(case.number);
    settings.suppressions = true;
    settings.add_suppressions = None;
    settings.today = "2026-11-21".parse().ok();
    let mut features = fix::check(&case.body, &settings)?;
    let Some(text) = case.text() else { return Ok(features) };
    let examined = fix::examine(&case.body, &settings);
    for (_, plan) in &examined.plans {
        for notice in &plan.notices {
            law(text.is_char_boundary(notice.position.offset), || {
                format!("{:?} is no place", notice.position)
            })?;
        }
        for judged in plan.findings() {
            if let State::Suppressed(Suppressed { until: Some(until), .. }) = &judged.state {
                law(settings.today.is_none_or(|today| *until >= today), || format!("{until} is over"))?;
            }
        }
    }
    let without = Settings { suppressions: false, ..settings.clone() };
    let bare = fix::examine(&case.body, &without);
    let suppressed = |judged: &transforms::Judged| matches!(judged.state, State::Suppressed(_));
    law(!bare.plans.iter().flat_map(|(_, plan)| plan.findings()).any(suppressed), || {
        "suppressed without suppressions".to_owned()
    })?;
    let adding = Settings { add_suppressions: Some("later".to_owned()), ..settings.clone() };
    let added = fix::examine(&case.body, &adding);
    if let Some(new) = &added.text {
        features.add("suppressions", "added");
        // What was written is what a run without the flag reads.
        let after = fix::examine(new.as_bytes(), &settings);
        law(after.text.is_none() || added.problems.len() + not_added(&added) > 0, || {
            format!(
                "suppressed, and fixed nevertheless:\n{new}\n=== then\n{}",
                after.text.unwrap_or_default()
            )
        })?;
    }
    for line in text.lines() {
        let reason = Reason::read(line);
        if let Ok(checked) = Reason::checked(line) {
            law(checked == reason, || format!("two readings of {line:?}"))?;
        }
        let again = Reason::read(&reason.text);
        law(again.until.is_none() || !reason.text.contains("until="), || {
            format!("a day is left in {:?}", reason.text)
        })?;
    }
    Ok(features)
}

fn not_added(examined: &Examined) -> usize {
    examined
        .plans
        .iter()
        .flat_map(|(_, plan)| &plan.notices)
        .filter(|notice| format!("{:?}", notice.flaw).starts_with("NotAdded"))
        .count()
}

/// The grammar of the distribution project.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    let host = format!(r"(?:{label}(?:\.{label})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?");
    let part = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
    let tag = "[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}";
    let algorithm = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*";
    Regex::new(&format!(
        "^(?:({host})/)?({part}(?:/{part})*)(?::({tag}))?(?:@({algorithm}:[0-9a-fA-F]{{32,}}))?$"
    ))
    .ok()
});

/// The name of an image is taken apart as the distribution project's grammar has it, and put together again.
pub(crate) fn image(case: &Case) -> Tried {
    let mut features = Features::default();
    let Some(text) = case.text() else { return Ok(features) };
    let expected = REFERENCE.as_ref().and_then(|grammar| grammar.captures(text));
    let parsed = ImageRef::parse(text);
    let _ = Catalogue::builtin().lookup(text);
    let _ = Catalogue::builtin().is_node_agent(text);
    let Some(image) = parsed else {
        features.add("refused", &expected.is_some().to_string());
        let id = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        // The first part is a host only where it looks like one; then what follows has to be there.
        let excused = id
            || expected.as_ref().is_some_and(|found| {
                found.get(2).is_some_and(|path| path.as_str().len() > 255)
                    || is_no_host(text, found.get(1).map(|host| host.as_str()))
            });
        return law(expected.is_none() || excused, || "the grammar takes it".to_owned()).map(|()| features);
    };
    let found = expected.ok_or("the grammar does not take it")?;
    law(image.tag() == found.get(3).map(|tag| tag.as_str()), || format!("the tag {:?}", image.tag()))?;
    law(image.digest() == found.get(4).map(|digest| digest.as_str()), || {
        format!("the digest {:?}", image.digest())
    })?;
    let tag = image.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
    let digest = image.digest().map(|digest| format!("@{digest}")).unwrap_or_default();
    let whole = format!("{}{tag}{digest}", image.repository());
    law(ImageRef::parse(&whole).as_ref() == Some(&image), || {
        format!("written out as {whole:?} it is another")
    })?;
    law(image.repository().ends_with(image.base_name()), || "the last part".to_owned())?;
    features.add("registry", &(image.registry() == "docker.io").to_string());
    features.add(
        "parts",
        &format!(
            "{}{}{}",
            image.path().matches('/').count().min(3),
            image.tag().is_some(),
            image.digest().is_some()
        ),
    );
    Ok(features)
}

/// Whether the grammar has a path for what clients take for a host, because it has a `.` or is `localhost`, or a host
/// for what they take for a path, because it has neither: `[f]`.
fn is_no_host(text: &str, host: Option<&str>) -> bool {
    let looks_like_host = |first: &str| {
        first == "localhost"
            || first.contains(['.', ':'])
            || first.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    text.split_once('/').is_some_and(|(first, _)| looks_like_host(first) == host.is_none())
}

/// Versions, days, amounts and blocks of addresses read as they are written.
pub(crate) fn version(case: &Case) -> Tried {
    let mut features = Features::default();
    let Some(text) = case.text() else { return Ok(features) };
    if let Ok(version) = text.parse::<Version>() {
        law(version.to_string().parse() == Ok(version) && version <= Version::NEWEST, || {
            format!("{version}")
        })?;
        let number = text.strip_prefix('v').unwrap_or(text).strip_prefix("1.").unwrap_or_default();
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        law(digits.parse() == Ok(version.minor), || format!("{text:?} is read as {version}"))?;
        features.add("version", &version.minor.to_string());
    }
    if let Ok(date) = text.parse::<Date>() {
        law(date.to_string() == text, || format!("{text:?} is read as {date}"))?;
        features.add("date", "");
    }
    if let Ok(block) = text.parse::<Cidr>() {
        law(block.to_string().parse() == Ok(block), || format!("{block}"))?;
        features.add("cidr", "");
    }
    if let Ok(amount) = text.parse::<Amount>() {
        features.add("amount", if amount.is_zero() { "zero" } else { "" });
        law(!amount.exceeds(&amount, 1_000), || "more than itself".to_owned())?;
        let double = amount.plus(&amount);
        let _ = amount.times(u32::MAX);
        law(amount.minus(&amount).is_zero(), || "less itself it is not nothing".to_owned())?;
        for written in
            [amount.to_string(), double.to_string()].into_iter().filter(|written| written.len() < 25)
        {
            let again = written.parse::<Amount>().map_err(|error| format!("{written:?}: {error:?}"))?;
            law(again.to_string() == written, || format!("{written:?} is written {again}"))?;
        }
    }
    Ok(features)
}

type Amount = transforms::model::Quantity;
