//! Tests of the file that pieces are mended in.

use super::*;
use crate::republish::piece::Origin;

fn record(data: &[u8]) -> Piece {
    let origin = Origin {
        shard_id: "s".to_owned(),
        sequence_number: "42".to_owned(),
        arrived_at: jiff::Timestamp::UNIX_EPOCH,
        partition_key: None,
    };
    let content = Content::Record { origin, data: data.to_vec(), is_rejected: true };
    Piece { id: "s:42".to_owned(), reason: Some("why".to_owned()), content }
}

#[test]
fn a_line_holds_any_bytes_in_the_form_that_is_easiest_to_edit() -> Result<()> {
    for (data, written) in [
        (
            &b"{\"a\": 199.0,\r\n  \"a\": \"x\"}\n"[..],
            r#""encoding":"json","record":{"a": 199.0,    "a": "x"}"#,
        ),
        (b"\xef\xbb\xbf[1]", r#""encoding":"json","record":[1]"#),
        (b"not\njson", r#""encoding":"text","record":"not\njson""#),
        (b"", r#""encoding":"text","record":"""#),
        (b"\xff\x00", r#""encoding":"base64","record":"/wA=""#),
    ] {
        let line = serde_json::to_string(&Line::of(&record(data), "queue")?)?;
        let head = r#"{"id":"s:42","kind":"record","source":"queue","reason":"why","drop":false,"#;
        assert_eq!(line, format!("{head}{written}}}"));
        let read: Line = serde_json::from_str(&line)?;
        let same = without_byte_order_mark(data);
        assert_eq!(decoded(&read)?.len(), same.trim_ascii_end().len(), "{line}");
    }
    Ok(())
}

#[test]
fn a_file_says_what_becomes_of_each_piece_in_it() -> Result<()> {
    let event = r#"{"shop":"a.example","topic":"orders/create","payload":{}}"#;
    let text = format!(
        "{{\"id\":\"s:42\",\"kind\":\"record\",\"encoding\":\"text\",\"record\":{event}}}\n\n\
         {{\"id\":\"s:43\",\"drop\":true,\"record\":null}}\n"
    );
    let mended = Mended::read(&mut Input::copy(text.as_bytes())?)?;
    assert_eq!(mended.dropped(), 1);
    let step = |id: &str| mended.step(&Piece { id: id.to_owned(), ..record(b"") });
    assert!(matches!(step("s:42"), Some(Step::Put(_))));
    assert!(matches!(step("s:43"), Some(Step::Drop)));
    assert!(step("s:45").is_none());
    assert_eq!(mended.not_found(|id| id != "s:43").collect::<Vec<_>>(), ["s:43"]);
    Ok(())
}

#[test]
fn the_largest_record_has_a_line_that_can_be_read_in_any_form() -> Result<()> {
    for (byte, encoding) in [(0xff, Encoding::Base64), (0x1b, Encoding::Text)] {
        let line = Line::of(&record(&vec![byte; RECORD_LIMIT as usize]), "queue")?;
        assert_eq!(line.encoding, encoding);
        let dropped = serde_json::to_string(&Line { drop: true, ..line })?;
        assert!(dropped.len() as u64 > RECORD_LIMIT, "{}", dropped.len());
        let mended = Mended::read(&mut Input::copy(dropped.as_bytes())?)?;
        assert!(matches!(mended.step(&record(b"")), Some(Step::Drop)), "{encoding:?}");
    }
    Ok(())
}

#[test]
fn a_file_that_is_not_mended_is_refused_with_its_line() -> Result<()> {
    for (text, told) in [
        (r#"{"id":"s:1","record":{"shop":"a.example"}}"#, "line 1: 'topic' is missing"),
        ("\n{\"id\":\"m-1\",\"record\":{}}", "line 2: the message is not a job"),
        (
            "{\"id\":\"a\",\"drop\":true,\"record\":1}\n{\"id\":\"a\",\"drop\":true,\"record\":1}",
            "line 2: a is there twice",
        ),
        (r#"{"id":"s:1","encoding":"base64","record":"?"}"#, "line 1: 'record' is not base64"),
        ("\n{\"id\":\"a\"}", "line 2: missing field `record`"),
    ] {
        let error = Mended::read(&mut Input::copy(text.as_bytes())?).map_err(|error| format!("{error:#}"));
        let error = error.err().unwrap_or_default();
        assert!(error.starts_with(told), "{error}");
    }
    Ok(())
}
