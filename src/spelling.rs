//! What somebody who misspelt a name may have meant.

/// The candidate that is nearest to `word`, if one is near at all.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    let near = candidates.into_iter().map(|candidate| (strsim::jaro_winkler(&word, candidate), candidate));
    // Of equals the first, so that the answer is always the same.
    let best = near.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.filter(|(similarity, _)| *similarity >= 0.8).map(|(_, candidate)| candidate)
}

/// `; did you mean X?`, where something is near.
pub fn suggestion<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_found() {
        let ids = ["capabilities", "host-path", "host-port", "run-as-user"];
        assert_eq!(nearest("capabilites", ids), Some("capabilities"));
        assert_eq!(nearest("runAsUser", ids), Some("run-as-user"));
        assert_eq!(nearest("host-pathh", ids), Some("host-path"));
        assert_eq!(nearest("frobnicate", ids), None);
        assert_eq!(nearest("", ids), None);
    }
}
