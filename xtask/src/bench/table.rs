//! Figures as tables in Markdown, and their places in `docs/performance.md`.

use super::measure::{Sample, Spread};

/// A table, and what is said above it.
#[derive(Debug, Default)]
pub(super) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|&cell| cell.to_owned()).collect(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The first column is text, the others are figures.
    pub(super) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule: Vec<String> =
            (0..self.head.len()).map(|column| if column == 0 { "---" } else { "---:" }.to_owned()).collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}{}{rows}", line(&self.head), line(&rule))
    }
}

/// `12 ms`, `1.2 s`.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        _ if seconds.is_nan() => "-".to_owned(),
        _ if seconds < 0.001 => format!("{:.0} µs", seconds * 1e6),
        _ if seconds < 0.01 => format!("{:.1} ms", seconds * 1e3),
        _ if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds < 10.0 => format!("{seconds:.2} s"),
        _ => format!("{seconds:.1} s"),
    }
}

/// Three figures that say something.
pub(super) fn figure(number: f64) -> String {
    match number {
        _ if number.is_nan() => "-".to_owned(),
        _ if number < 10.0 => format!("{number:.2}"),
        _ if number < 100.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

/// `1.31 (1.19 to 1.67)`.
pub(super) fn spread(spread: Spread) -> String {
    let Spread { median, least, most } = spread;
    if median.is_nan() {
        return "-".to_owned();
    }
    format!("{} ({} to {})", figure(median), figure(least), figure(most))
}

/// Wall time, processor time and peak of memory: medians.
pub(super) fn medians(samples: &[Sample]) -> [String; 3] {
    let median = |of: fn(&Sample) -> f64| Spread::of(samples.iter().map(of)).median;
    [time(median(|it| it.wall)), time(median(|it| it.processor)), format!("{:.0} MiB", median(|it| it.peak))]
}

/// `page` with `text` between the marks of `part`.
pub(super) fn put(page: &str, part: &str, text: &str) -> Result<String, String> {
    let start = format!("<!-- cargo xtask bench {part} -->\n");
    let (head, rest) =
        page.split_once(&start).ok_or_else(|| format!("docs/performance.md has no `{}`", start.trim()))?;
    let (_, tail) = rest.split_once("<!-- end -->").ok_or("docs/performance.md lacks `<!-- end -->`")?;
    Ok(format!("{head}{start}{text}<!-- end -->{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_take_their_places() {
        let mut table = Table::new(&["what", "figure"]);
        table.row(["a".to_owned(), figure(1.234)]);
        let page = "before\n<!-- cargo xtask bench a -->\nold\n<!-- end -->\nafter\n";
        let new = put(page, "a", &table.markdown()).unwrap();
        let wanted = "before\n<!-- cargo xtask bench a -->\n| what | figure |\n| --- | ---: |\n| a | 1.23 |\n<!-- end -->\nafter\n";
        assert_eq!(new, wanted);
        assert!(put(page, "b", "").is_err());
    }

    #[test]
    fn figures_are_short() {
        let times = [0.000_012, 0.001_23, 0.123, 1.234, 12.34].map(time);
        assert_eq!(times, ["12 µs", "1.2 ms", "123 ms", "1.23 s", "12.3 s"]);
        assert_eq!(spread(Spread { median: 12.0, least: 1.0, most: 123.0 }), "12.0 (1.00 to 123)");
    }
}
