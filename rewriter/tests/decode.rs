//! What is no text in UTF-8 is told with its place, and never changed into something else.

#![cfg(test)]

use rewriter::{DecodeError, Position, Stream, decode};

#[track_caller]
fn place(bytes: &[u8]) -> (DecodeError, usize, usize, usize) {
    let error = decode(bytes).unwrap_err();
    let Position { line, column, offset } = error.position().unwrap();
    (error, line, column, offset)
}

#[test]
fn text_is_taken_as_it_is() {
    for text in ["", "a: 1\n", "\u{feff}a: 1\r\n", "é日😀\u{2028}", "\u{fffd}"] {
        assert_eq!(decode(text.as_bytes()), Ok(text));
    }
}

#[test]
fn other_encodings_are_known_by_their_byte_order_mark() {
    let little: Vec<u8> = "\u{feff}a: é\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = "\u{feff}a: é\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [&little, &big, &b"\xff\xfe\0\0a\0\0\0".to_vec(), &b"\0\0\xfe\xff\0\0\0a".to_vec()] {
        assert_eq!(decode(bytes), Err(DecodeError::Utf16));
        assert_eq!(decode(bytes).unwrap_err().position(), None);
    }
}

#[test]
fn utf_16_without_a_mark_is_a_nul_byte() {
    assert!(matches!(place(b"a\0:\0 \x001\0"), (DecodeError::Nul(_), 1, 2, 1)));
    assert!(matches!(place(b"\0a\0:"), (DecodeError::Nul(_), 1, 1, 0)));
}

#[test]
fn a_nul_byte_is_told_with_its_place() {
    assert!(matches!(place(b"a: 1\nb: x\0y\n"), (DecodeError::Nul(_), 2, 5, 9)));
    assert!(matches!(place("a: é\nb: é日\0".as_bytes()), (DecodeError::Nul(_), 2, 6, 14)));
    // It says more of a file than the bytes around it that are not UTF-8.
    assert!(matches!(place(b"\xff\n\0"), (DecodeError::Nul(_), 2, 1, 2)));
}

#[test]
fn a_byte_that_is_not_utf_8_is_told_with_its_place() {
    // Latin-1.
    assert!(matches!(place(b"a: 1\r\nb: caf\xe9\r\n"), (DecodeError::Utf8(_), 2, 7, 12)));
    // Columns are characters, offsets are bytes.
    assert!(matches!(
        place("é日: \u{7f}".as_bytes().iter().chain(b"\xc3\x28").copied().collect::<Vec<_>>().as_slice()),
        (DecodeError::Utf8(_), 1, 6, 8)
    ));
    // The byte order mark is no column.
    assert!(matches!(place(b"\xef\xbb\xbfa\xff"), (DecodeError::Utf8(_), 1, 2, 4)));
    // A character cut off by the end, one written with too many bytes, half a surrogate pair, and one too high.
    for broken in [&b"\xf0\x9f\x98"[..], b"\xc0\xaf", b"\xed\xa0\xbd", b"\xf4\x90\x80\x80", b"\x80", b"\xfe"]
    {
        let bytes = [b"k: v\n", broken].concat();
        assert!(matches!(place(&bytes), (DecodeError::Utf8(_), 2, 1, 5)), "{broken:?}");
    }
}

#[test]
fn characters_that_no_reader_takes_are_syntax_errors() {
    for (text, line, column) in [
        ("a: x\u{c}y\n", 1, 5),
        ("a: 1\nb: \u{7f}\n", 2, 4),
        ("é: \u{80}\n", 1, 4),
        ("a: \u{9f}", 1, 4),
        ("a: \u{ffff}\n", 1, 4),
        ("# \u{1b}[0m\n", 1, 3),
        ("a: |\n  \u{8}\n", 2, 3),
    ] {
        let error = Stream::scan(text).unwrap_err();
        assert_eq!((error.position.line, error.position.column), (line, column), "{text:?}");
        assert!(error.message.contains("control characters"), "{error}");
    }
}

#[test]
fn documents_can_be_scanned_one_by_one() {
    for (text, documents) in [
        ("", vec![]),
        ("a: 1", vec!["a: 1"]),
        (
            "\u{feff}a: 1\n---\nb: |\n  ---\n---\tc\n",
            vec!["\u{feff}a: 1\n", "---\nb: |\n  ---\n", "---\tc\n"],
        ),
        ("a: 1\r\n---\r\n---x\r\n---", vec!["a: 1\r\n", "---\r\n---x\r\n", "---"]),
    ] {
        let found: Vec<&str> = rewriter::documents(text).collect();
        assert_eq!(found, documents, "{text:?}");
        let Ok(whole) = Stream::scan(text) else { panic!("{text:?}") };
        let texts: Vec<&str> = whole.documents().map(|document| document.text()).collect();
        let unmarked: Vec<&str> = found.iter().map(|text| text.trim_start_matches('\u{feff}')).collect();
        assert_eq!(unmarked, texts, "{text:?}");
    }
}
