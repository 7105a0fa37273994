//! The least case that still shows something.

use std::time::{Duration, Instant};

use crate::case::Case;

/// The least case that `shows` what `case` shows: without its number, without lines, without letters; or the least
/// that is found in this time.
pub(crate) fn least(case: &Case, time: Duration, shows: impl Fn(&Case) -> bool) -> Case {
    let end = Instant::now() + time;
    let mut best = case.clone();
    let smaller = |new: Case, best: &mut Case| {
        let found = Instant::now() < end && new != *best && shows(&new);
        if found {
            *best = new;
        }
        found
    };
    for number in (0..40).filter(|number| *number < case.number) {
        if smaller(Case { number, ..best.clone() }, &mut best) {
            break;
        }
    }
    loop {
        let before = best.body.len();
        for by_line in [true, false] {
            let pieces = |body: &[u8]| -> Vec<Vec<u8>> {
                if by_line {
                    body.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
                } else {
                    letters(body)
                }
            };
            let mut kept = pieces(&best.body);
            let mut size = kept.len().next_power_of_two();
            while size > 0 {
                let mut at = 0;
                while at < kept.len() {
                    let without = [&kept[..at], &kept[(at + size).min(kept.len())..]].concat();
                    if smaller(Case { body: without.concat(), ..best.clone() }, &mut best) {
                        kept = without;
                    } else {
                        at += size;
                    }
                }
                size /= 2;
            }
        }
        if best.body.len() >= before || Instant::now() >= end {
            return best;
        }
    }
}

/// The body in letters, and bytes that are none.
fn letters(body: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for chunk in body.utf8_chunks() {
        found.extend(chunk.valid().chars().map(|letter| letter.to_string().into_bytes()));
        found.extend(chunk.invalid().iter().map(|byte| vec![*byte]));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_goes() {
        let case = Case { number: 77, body: b"a: 1\nkey: [x, \xff, y]\nb: 2\n".to_vec() };
        let shows = |case: &Case| case.body.contains(&b'[') && case.body.contains(&0xff) && case.number > 2;
        assert_eq!(least(&case, Duration::from_secs(30), shows), Case { number: 3, body: b"[\xff".to_vec() });
    }
}
