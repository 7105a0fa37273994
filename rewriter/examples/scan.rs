//! Scans files a number of times and does nothing else, to be counted by a profiler: `scan TIMES FILE...`.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a program of its own, not the library")]

fn main() {
    let mut arguments = std::env::args().skip(1);
    let times: usize = arguments.next().and_then(|times| times.parse().ok()).unwrap_or(1);
    let texts: Vec<String> = arguments.filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    let documents: usize = (0..times)
        .flat_map(|_| &texts)
        .filter_map(|text| rewriter::Stream::scan(text).ok().map(|stream| stream.documents().len()))
        .sum();
    let bytes: usize = texts.iter().map(String::len).sum();
    println!("{bytes} bytes, {documents} documents in {times} rounds");
}
