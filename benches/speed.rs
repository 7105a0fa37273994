//! How fast: the scanner, one document through all transforms, the evaluator, the diff, a tree of files. `cargo bench`.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on has failed")]

#[path = "../tests/generate.rs"]
mod generate;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

use cce_fix::diff::{self, DiffName};
use cce_fix::engine::{self, Purpose};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rewriter::Stream;
use transforms::model::{PodView, Workloads};
use transforms::{Evidence, Settings, pod_security};

/// Real workloads by others as one text, where they are beside the repository.
fn corpus() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(root).ok()?.flatten().map(|entry| entry.path()).collect();
    let mut text = String::new();
    while let Some(path) = folders.pop() {
        if path.is_dir() {
            folders.extend(std::fs::read_dir(&path).ok()?.flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            let Ok(file) = std::fs::read_to_string(&path) else { continue };
            let whole = Stream::scan(&file)
                .is_ok_and(|stream| stream.documents().all(|document| document.root().is_some()));
            if whole && file.contains("containers:") && !file.contains("\n...") {
                text.push_str("---\n");
                text.push_str(file.trim_start_matches('\u{feff}').trim_end());
                text.push('\n');
            }
        }
    }
    Some(text)
}

fn scanner(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan");
    let generated = generate::stream(1, 2_000);
    let json = generate::json_list(1, 2_000);
    let texts = [("generated", Some(generated)), ("json", Some(json)), ("corpus", corpus())];
    for (name, text) in &texts {
        let Some(text) = text else { continue };
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(*name, |bencher| bencher.iter(|| Stream::scan(black_box(text)).is_ok()));
    }
    group.finish();
}

fn document(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("document");
    let text = generate::stream(7, 1);
    let settings = Settings::default();
    let path = Path::new("deploy.yaml");
    let fixed = engine::examine(text.as_bytes(), path, &settings, Purpose::Text).text.unwrap_or_default();
    for (name, text, purpose) in [
        ("plan", &text, Purpose::Answer),
        ("fix and prove", &text, Purpose::Text),
        ("nothing to fix", &fixed, Purpose::Text),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| engine::examine(black_box(text.as_bytes()), path, &settings, purpose).changed);
        });
    }
    group.finish();
}

/// What is planned for one document, the Pod Security Standards alone, and the diff of a file of many documents.
fn stages(criterion: &mut Criterion) {
    let text = generate::stream(7, 1);
    let stream = Stream::scan(&text).expect("a manifest");
    let document = stream.document(0).expect("a document");
    let (settings, evidence) = (Settings::default(), Evidence::default());
    criterion.bench_function("transforms, one document", |bencher| {
        bencher.iter(|| transforms::plan(black_box(document), &settings, &evidence).pods.len());
    });
    let workloads = Workloads::of(document);
    let pod = workloads.pods.first().expect("a pod");
    let view = PodView::of(pod, |node, _| Some(node.into())).expect("a pod as it is written");
    criterion.bench_function("evaluator, one pod", |bencher| {
        bencher.iter(|| pod_security::evaluate(black_box(&view), pod_security::NEWEST).level);
    });
    let old = generate::stream(7, 500);
    let new = engine::examine(old.as_bytes(), Path::new("all.yaml"), &settings, Purpose::Rewrite).text;
    let new = new.expect("something to fix");
    let name = DiffName::new(Path::new("all.yaml"), Path::new("."));
    let mut group = criterion.benchmark_group("diff");
    group.throughput(Throughput::Bytes(old.len() as u64));
    group.bench_function("500 documents", |bencher| {
        bencher.iter(|| diff::unified(&name, black_box(old.as_bytes()), new.as_bytes()).len());
    });
    group.finish();
}

/// A tree of 1,000 files: the whole program against `cat` over the same files.
fn tree(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for number in 0..1_000_u64 {
        let path = folder.path().join(format!("d{}", number % 20));
        std::fs::create_dir_all(&path).expect("a folder");
        write(&path.join(format!("f{number}.yaml")), &generate::manifest(number));
    }
    let mut group = criterion.benchmark_group("tree of 1000 files");
    group.sample_size(20);
    let programs = [
        ("cat", "find . -name '*.yaml' -print0 | xargs -0 cat > /dev/null".to_owned()),
        ("check", format!("{} -q --check . || true", program())),
        ("diff", format!("{} -q --diff . > /dev/null || true", program())),
    ];
    for (name, script) in programs {
        group.bench_function(name, |bencher| bencher.iter(|| run(folder.path(), &script)));
    }
    let fixed = format!("{} -q . || true", program());
    run(folder.path(), &fixed);
    let check = format!("{} -q --check . || true", program());
    group.bench_function("check, all fixed", |bencher| bencher.iter(|| run(folder.path(), &check)));
    group.finish();
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_cce-fix")
}

#[expect(clippy::disallowed_methods, reason = "a benchmark starts what it measures")]
fn run(folder: &Path, script: &str) {
    let status = Command::new("sh").args(["-c", script]).current_dir(folder).status();
    assert!(status.is_ok_and(|status| status.success()), "{script}");
}

#[expect(clippy::disallowed_methods, reason = "a benchmark writes what it measures")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
}

criterion_group!(benches, scanner, document, stages, tree);
criterion_main!(benches);
