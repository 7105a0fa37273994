//! No shape of a file takes more than its share of time and memory: four times the file, four times both.
//!
//! `rewriter/tests/growth.rs` looks at the scanner alone, in many more shapes; here it is the whole program.

use std::process::Command;

use crate::tools::{PROGRAM, not_tried, ran};

type Shape = (&'static str, fn(usize) -> String);

fn times(bytes: usize, piece: &str) -> String {
    piece.repeat(bytes / piece.len() + 1)
}

const POD: &str = "---\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: nginx\n";
const ITEM: &str = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"nginx\"}]}},";

/// What other readers take more than linear time for, or give up on, and what is peculiar to manifests.
const SHAPES: &[Shape] = &[
    ("flow list on one line", |n| format!("apiVersion: v1\nkind: Pod\na: [{}]\n", times(n, "a, "))),
    ("flow map on one line", |n| {
        let entries: Vec<String> = (0..n / 10).map(|number| format!("k{number}: 1")).collect();
        format!("apiVersion: v1\nkind: Pod\na: {{{}}}\n", entries.join(", "))
    }),
    ("brackets without end", |n| format!("apiVersion: v1\nkind: Pod\na: {}\n", times(n, "["))),
    ("brackets in brackets", |n| {
        let nested = format!("---\napiVersion: v1\nkind: Pod\na: {}{}\n", "[".repeat(100), "]".repeat(100));
        times(n, &nested)
    }),
    ("blank lines", |n| format!("apiVersion: v1\nkind: Pod\n{}a: 1\n", times(n, "\n"))),
    ("comments in front of a value", |n| {
        format!("apiVersion: v1\nkind: Pod\na:\n{}  b: 1\n", times(n, "# c\n"))
    }),
    ("suppressions", |n| format!("{POD}{}", times(n, "# cce-fix: ignore[run-as-user] why\n"))),
    ("dashes on one line", |n| {
        times(n, &format!("---\napiVersion: v1\nkind: Pod\na:\n  {}b\n", "- ".repeat(300)))
    }),
    ("deep maps", |n| {
        let nested: Vec<String> = (0..100).map(|depth| format!("{}a:", " ".repeat(depth))).collect();
        times(n, &format!("---\napiVersion: v1\nkind: Pod\n{}\n", nested.join("\n")))
    }),
    ("documents", |n| times(n, POD)),
    ("documents of other kinds", |n| times(n, "---\napiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n")),
    ("items of a list on one line", |n| {
        format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{}]}}",
            times(n, ITEM).trim_end_matches(',')
        )
    }),
    ("containers of a pod", |n| {
        let containers: Vec<String> =
            (0..n / 30).map(|number| format!("  - name: c{number}\n    image: nginx")).collect();
        format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n{}\n", containers.join("\n"))
    }),
    ("aliases of one list", |n| {
        format!("apiVersion: v1\nkind: Pod\na: &a [{}]\nb:\n{}", times(n / 2, "b,"), times(n / 2, "- *a\n"))
    }),
    ("aliases of aliases", |n| {
        let lines =
            (1..n / 40).map(|number| format!("a{number}: &a{number} [*a{}, *a{}]\n", number - 1, number - 1));
        format!("apiVersion: v1\nkind: Pod\na0: &a0 x\n{}", lines.collect::<String>())
    }),
    ("one long text", |n| format!("{POD}    command: [\"{}\"]\n", times(n, "x"))),
    ("one long script", |n| {
        format!(
            "{POD}    command:\n    - sh\n    - -c\n    - |\n{}",
            times(n, "      echo a > /tmp/b; cd /c\n")
        )
    }),
    ("one long annotation", |n| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{annotations: {{a: '{}'}}}}\n{}",
            times(n, "x"),
            &POD[POD.find("spec").unwrap_or(0)..]
        )
    }),
];

/// Bytes of the smaller file.
const SMALL: usize = 50_000;

/// Files of nothing but the smallest pods: what is planned for each takes more room than the pod, and more time.
const PODS: [&str; 3] = ["documents", "items of a list on one line", "containers of a pod"];

/// What a run over `text` takes: instructions, which are the same on a busy machine and an idle one, and the most
/// memory, in kilobytes.
fn cost(text: &str) -> (f64, f64) {
    const MEASURE: &str = "\
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    std::fs::write(&path, text).unwrap();
    let run = [PROGRAM, "-j1", "--isolated", "--diff"];
    let measured = ran(Command::new("python3").args(["-c", MEASURE]).args(run).arg(&path));
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    let counted = ran(valgrind.args(run).arg(&path));
    let line = counted.stderr.lines().find_map(|line| line.split_once("refs:"));
    let (_, count) = line.unwrap_or_else(|| panic!("{counted:?}"));
    (count.trim().replace(',', "").parse().unwrap(), measured.stderr.parse().unwrap())
}

/// How much more a shape takes at four times its size, as a text; as an error where that is not fair.
fn growth((name, make): &Shape, (start, base): (f64, f64)) -> Result<String, String> {
    let (size, most) = if PODS.contains(name) { (SMALL / 5, 2_000.0) } else { (SMALL, 60.0) };
    let (small, large) = (make(size), make(4 * size));
    assert!(large.len() > 3 * small.len() && small.len() * 2 >= size, "{name}");
    let ((few, _), (many, memory)) = (cost(&small), cost(&large));
    let growth = (many - start) / (few - start);
    #[expect(clippy::cast_precision_loss, reason = "sizes are small")]
    let multiple = (memory - base) * 1024.0 / large.len() as f64;
    let figures =
        format!("{name}: {growth:.2} times the instructions, {multiple:.0} times the file in memory");
    // What is done once, whatever the size, keeps it below four; what is sorted takes it a little above.
    if (1.0..=5.0).contains(&growth) && multiple <= most { Ok(figures) } else { Err(figures) }
}

#[test]
fn time_and_memory_grow_with_the_file() {
    for tool in ["python3", "valgrind"] {
        if !Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success()) {
            return not_tried(&format!("growth of time and memory: `{tool}`, which measures, is missing"));
        }
    }
    let idle = cost("a: 1\n");
    let (left, right) = SHAPES.split_at(SHAPES.len() / 2);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let halves = [left, right].map(|shapes| {
            scope.spawn(move || shapes.iter().map(|shape| growth(shape, idle)).collect::<Vec<_>>())
        });
        let all = halves.into_iter().flat_map(|half| half.join().unwrap());
        all.inspect(|figures| println!("{figures:?}")).filter_map(Result::err).collect()
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}
