//! What Gitea's answers are read as; the requests are tried on a real server (`tests/pr`).

use super::*;

fn pull(text: &str) -> Request {
    let side = |label: &str| format!("{{\"label\":\"{label}\",\"ref\":\"refs/pull/1/head\",\"repo_id\":1}}");
    let text = format!(
        "{{\"number\":1,\"html_url\":\"u\",\"head\":{},\"base\":{},{text}}}",
        side("cce-fix/main/safe"),
        side("main")
    );
    request(serde_json::from_str(&text).unwrap())
}

#[test]
fn requests_are_read() {
    let open =
        pull("\"state\":\"open\",\"title\":\"a\",\"body\":\"b\",\"labels\":[{\"id\":1,\"name\":\"l\"}]");
    let expected = Request {
        number: 1,
        url: "u".to_owned(),
        state: State::Open,
        head: "cce-fix/main/safe".to_owned(),
        base: "main".to_owned(),
        title: "a".to_owned(),
        body: "b".to_owned(),
        labels: vec!["l".to_owned()],
        is_draft: false,
    };
    assert_eq!(open, expected);
    let state = |text: &str| pull(&format!("{text},\"title\":\"a\",\"labels\":null")).state;
    assert_eq!(state("\"state\":\"closed\",\"merged\":false"), State::Closed);
    assert_eq!(state("\"state\":\"closed\",\"merged\":true"), State::Merged);
}

#[test]
fn drafts_are_told_by_their_title() {
    for (title, plain, is_draft) in
        [("WIP: a", "a", true), ("[WIP] a", "a", true), ("a", "a", false), ("a WIP: b", "a WIP: b", false)]
    {
        let request = pull(&format!("\"state\":\"open\",\"title\":\"{title}\""));
        assert_eq!((&*request.title, request.is_draft), (plain, is_draft), "{title}");
    }
}
