//! Flow collections: entries between brackets, on one line or on several, JSON included.

use super::{Descent, Entry, Holder, Splicer};
use crate::change::{Change, Op};
use crate::error::Blocked;
use crate::event::EventKind;
use crate::render::{self, FlowLines, FlowStyle};
use crate::stream::skip_properties;
use crate::style;

impl Splicer<'_> {
    /// Makes `change` happen inside the flow collection at `site`.
    pub(super) fn flow_collection(
        &mut self,
        site: usize,
        change: &Change<'_>,
        holder: &Holder,
    ) -> Result<(), Blocked> {
        let span = self.span(site);
        let entries = self.entries(site);
        if entries.is_empty() && self.opens_as_block(site, holder) {
            return self.open_as_block(site, change, holder);
        }
        let outer = if let Holder::Flow(style) = holder { Some(style) } else { None };
        let style = self.flow_style(site, outer);
        let inner = Holder::Flow(self.value_style(&entries, &style));
        let Descent { removed, added } = self.descend(&entries, change, |_, _| inner.clone());
        let mut gone = vec![false; entries.len()];
        for (index, child) in &removed {
            gone[*index] = self.can_remove_flow(&entries, *index, child, &inner);
        }
        let value_style = self.value_style(&entries, &style);
        let mut texts = Vec::new();
        for (key, child) in &added {
            match child.new_value() {
                Ok(Some(value)) => texts.push(render::flow_entry(key, &value, &value_style)),
                Ok(None) => {}
                Err(blocked) => self.block(child, blocked),
            }
        }
        texts.extend(change.appended().map(|item| render::flow_value(item, &value_style)));
        let before = self.splices.len();
        if let Err(blocked) = self.lay_out_flow(span.start, span.end, &entries, &gone, &texts, &style) {
            self.splices.truncate(before);
            let taken_out = removed.iter().filter(|(index, _)| gone[*index]).map(|(_, child)| *child);
            for child in taken_out.chain(added.iter().map(|(_, child)| *child)) {
                self.block(child, blocked);
            }
            self.blocked.extend(change.edits.iter().map(|edit| (*edit, blocked)));
        }
        let moved = removed.iter().map(|(_, child)| *child).chain(added.iter().map(|(_, child)| *child));
        self.attribute(before, moved, &change.edits);
        Ok(())
    }

    /// Whether an empty `{}` or `[]` can become block lines: the value of a key, alone, without a comment.
    fn opens_as_block(&self, site: usize, holder: &Holder) -> bool {
        let span = self.span(site);
        matches!(holder, Holder::Key { .. })
            && !self.has_properties(site)
            && self.text[span.start + 1..span.end - 1].iter().all(|byte| matches!(byte, b' ' | b'\t'))
    }

    fn open_as_block(&mut self, site: usize, change: &Change<'_>, holder: &Holder) -> Result<(), Blocked> {
        let Holder::Key { column, colon } = holder else { return Ok(()) };
        match change.new_value()? {
            Some(value) => self.set_behind_colon(self.span(site), &value, *column, *colon),
            None => Ok(()),
        }
    }

    /// Whether the entry can go without a comment; where it cannot, its neutral value is set.
    fn can_remove_flow(
        &mut self,
        entries: &[Entry],
        index: usize,
        child: &Change<'_>,
        inner: &Holder,
    ) -> bool {
        let start = self.start(entries[index].key);
        let end = self.end(entries[index].value);
        let before = index.checked_sub(1).map_or(start, |previous| self.end(entries[previous].value));
        let after = entries.get(index + 1).map_or(end, |next| self.start(next.key));
        let Err(blocked) = self.refuse_comment(before..after) else { return true };
        match child.op {
            Some(Op::Remove { neutral: Some(neutral) }) => {
                self.attempt(child, |splicer| splicer.replace(entries[index].value, neutral, inner));
            }
            _ => self.block(child, blocked),
        }
        false
    }

    fn lay_out_flow(
        &mut self,
        open: usize,
        close: usize,
        entries: &[Entry],
        gone: &[bool],
        texts: &[String],
        style: &FlowStyle,
    ) -> Result<(), Blocked> {
        let Some(last_kept) = gone.iter().rposition(|gone| !gone) else {
            if entries.is_empty() && texts.is_empty() {
                return Ok(());
            }
            self.refuse_comment(open + 1..close - 1)?;
            let inside = fill(texts, style);
            self.splice(open + 1..close - 1, inside);
            return Ok(());
        };
        self.remove_runs(entries, gone);
        if texts.is_empty() {
            return Ok(());
        }
        let end = self.end(entries[last_kept].value);
        let behind_last =
            if last_kept + 1 == entries.len() { end } else { self.end(entries[entries.len() - 1].value) };
        self.append_flow(end, behind_last, close - 1, texts, style)
    }

    /// Takes out each run of entries that go, with the commas that go with them.
    fn remove_runs(&mut self, entries: &[Entry], gone: &[bool]) {
        let mut index = 0;
        while index < gone.len() {
            let run = gone[index..].iter().take_while(|gone| **gone).count();
            if run == 0 {
                index += 1;
                continue;
            }
            let range = match (index.checked_sub(1), entries.get(index + run)) {
                (_, Some(next)) => self.start(entries[index].key)..self.start(next.key),
                (Some(previous), None) => {
                    self.end(entries[previous].value)..self.end(entries[index + run - 1].value)
                }
                (None, None) => return,
            };
            self.splice(range, String::new());
            index += run;
        }
    }

    /// Puts `texts` behind the value that ends at `end`; `behind_last` is the end of the last value written
    /// and `close` the closing bracket.
    fn append_flow(
        &mut self,
        end: usize,
        behind_last: usize,
        close: usize,
        texts: &[String],
        style: &FlowStyle,
    ) -> Result<(), Blocked> {
        // Behind an empty value: `{a:,` is one word to some readers, so that a blank stays before the comma, or comes.
        let is_empty = self.text[..end].ends_with(b":");
        let (end, blank) = match self.text.get(end) {
            Some(b' ') if is_empty => (end + 1, ""),
            _ if is_empty => (end, " "),
            _ => (end, ""),
        };
        let tail = &self.text[behind_last..close];
        let comma = memchr::memchr(b',', tail).map(|at| behind_last + at);
        let comment = self.comment_in(behind_last..close);
        if let (Some(comma), Some(comment)) = (comma, comment)
            && comment < comma
            && self.comma_behind_comments(behind_last, close)
        {
            return Err(self.layout(end));
        }
        let comma = comma.filter(|comma| comment.is_none_or(|comment| *comma < comment));
        let Some(lines) = style.lines.as_ref().filter(|_| tail.contains(&b'\n')) else {
            if comment.is_some() && !tail.contains(&b'\n') {
                return Err(self.layout(end));
            }
            let gap = style.comma_gap;
            let joined = texts.join(&format!(",{gap}"));
            match comma {
                Some(comma) => self.splice(comma + 1..comma + 1, format!("{gap}{joined}")),
                None => self.splice(end..end, format!("{blank},{gap}{joined}")),
            }
            return Ok(());
        };
        let mut text = String::new();
        for (number, entry) in texts.iter().enumerate() {
            if number > 0 {
                text.push(',');
            }
            text.push_str(lines.line_break);
            text.push_str(&lines.indent);
            text.push_str(entry);
        }
        if comma.is_some() {
            text.push(',');
        } else {
            self.splice(end..end, format!("{blank},"));
        }
        let at = style::line_end(self.text, comma.unwrap_or(behind_last));
        self.splice(at..at, text);
        Ok(())
    }

    /// Whether a comma stands between `from` and `to` outside comments, behind one.
    fn comma_behind_comments(&self, from: usize, to: usize) -> bool {
        self.text[from..to].split(|byte| *byte == b'\n').skip(1).any(|line| {
            let code = line.split(|byte| *byte == b'#').next().unwrap_or_default();
            code.contains(&b',')
        })
    }

    /// The style of the flow collection at `site`, for what its neighbours leave open that of the one around.
    pub(super) fn flow_style(&self, site: usize, outer: Option<&FlowStyle>) -> FlowStyle {
        let node = skip_properties(self.events, site);
        let span = self.span(site);
        let mapping = self.events[node].kind.is_mapping();
        let entries = self.entries(site);
        let json = match entries.first() {
            Some(_) if mapping => {
                entries.iter().all(|entry| self.events[entry.key].kind == EventKind::DoubleQuoted)
            }
            _ => outer.is_some_and(|outer| outer.json),
        };
        let first = entries.first().map(|entry| self.start(entry.key));
        let colon_gap = match entries.first().filter(|_| mapping) {
            Some(entry) if json && self.end(entry.key) + 1 == self.start(entry.value) => "",
            Some(_) => " ",
            None => outer.map_or(" ", |outer| outer.colon_gap),
        };
        let comma_gap = match entries.as_slice() {
            [first, second, ..] => {
                let between = &self.text[self.end(first.value)..self.start(second.key)];
                if between == b"," { "" } else { " " }
            }
            [_] if json => colon_gap,
            _ => outer.map_or(" ", |outer| outer.comma_gap),
        };
        let padded = self.text.get(span.start + 1) == Some(&b' ') && !entries.is_empty();
        let own_lines = first.and_then(|first| self.own_lines(span.start, first));
        let inherited = || {
            let outer = outer?.lines.as_ref()?;
            entries
                .is_empty()
                .then(|| FlowLines { indent: format!("{}{}", outer.indent, outer.unit), ..outer.clone() })
        };
        FlowStyle {
            json,
            colon_gap,
            comma_gap,
            padding: if padded {
                " "
            } else if entries.is_empty() {
                outer.map_or("", |outer| outer.padding)
            } else {
                ""
            },
            lines: own_lines.or_else(inherited),
            quote: self.samples().quote(),
        }
    }

    /// How entries with lines of their own are indented; `None` where the first shares its line.
    fn own_lines(&self, open: usize, first: usize) -> Option<FlowLines> {
        // Looked for behind the bracket alone: in a file of one line its start is far away.
        let newline = memchr::memrchr(b'\n', &self.text[open..first])?;
        let indent = &self.text[open + newline + 1..first];
        if !indent.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return None;
        }
        let indent = String::from_utf8_lossy(indent).into_owned();
        let outer: String = self.text[style::line_start(self.text, open)..open]
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .map(|byte| char::from(*byte))
            .collect();
        let unit = indent.strip_prefix(&outer).filter(|unit| !unit.is_empty()).unwrap_or("  ").to_owned();
        Some(FlowLines { indent, unit, line_break: style::line_break(self.text, first) })
    }

    /// The style of values among `entries`: over several lines where the neighbours are, or where a
    /// neighbour could not tell and the whole is JSON with lines.
    fn value_style(&self, entries: &[Entry], style: &FlowStyle) -> FlowStyle {
        let mut collections = entries.iter().filter(|entry| {
            self.node(entry.value).kind.opens()
                && self.end(entry.value) - self.node(entry.value).start as usize > 2
        });
        let on_lines = match collections.next() {
            Some(entry) => self.text[self.span(entry.value)].contains(&b'\n'),
            None => style.json,
        };
        if on_lines { style.clone() } else { FlowStyle { lines: None, ..style.clone() } }
    }
}

/// The inside of a collection that has no other entries.
fn fill(texts: &[String], style: &FlowStyle) -> String {
    let (indent, outer) = style.lines.as_ref().map_or(("", ""), |lines| {
        (lines.indent.as_str(), lines.indent.strip_suffix(&lines.unit).unwrap_or_default())
    });
    render::flow_inside(texts, style, indent, outer)
}
