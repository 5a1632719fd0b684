//! A file or standard input, read as often as needed in constant memory.
//!
//! What can be read only once, such as a pipe, is first copied to a temporary file, which the system
//! removes when the program ends, however it ends.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Seek as _},
    path::Path,
};

use anyhow::{Context as _, Result, ensure};

/// The longest line, and the longest text: the largest record that Kinesis takes, 10 MiB
/// (`PutRecords`, Kinesis Data Streams API Reference).
pub const RECORD_LIMIT: u64 = 10 * 1024 * 1024;

/// An input that can be read again.
#[derive(Debug)]
pub struct Input(File);

impl Input {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    ///
    /// It cannot be read, or not be copied.
    pub fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Self::copy(io::stdin().lock()).context("cannot read standard input");
        }
        let file = fs_err::File::open(path)?.into_parts().0;
        let is_file = file.metadata()?.is_file();
        if is_file {
            Ok(Self(file))
        } else {
            Self::copy(file).with_context(|| format!("cannot read {}", path.display()))
        }
    }

    pub(crate) fn copy(mut source: impl io::Read) -> Result<Self> {
        let mut copy = tempfile::tempfile().context("no temporary file can be made: is TMPDIR right?")?;
        io::copy(&mut source, &mut copy)?;
        Ok(Self(copy))
    }

    /// The whole text.
    ///
    /// # Errors
    ///
    /// It cannot be read, is too long, or is not UTF-8.
    pub fn text(&mut self) -> Result<String> {
        self.0.rewind()?;
        let mut bytes = Vec::new();
        (&self.0).take(RECORD_LIMIT + 1).read_to_end(&mut bytes)?;
        text_of(bytes, RECORD_LIMIT)
    }

    /// The lines, each with its number from 1 and without its line break.
    ///
    /// # Errors
    ///
    /// The input cannot be read. A line that cannot be read, is longer than [`RECORD_LIMIT`], or is not
    /// UTF-8 is an error in the place of that line, and the last.
    pub fn lines(&mut self) -> Result<impl Iterator<Item = (u64, Result<String>)>> {
        self.lines_of(RECORD_LIMIT)
    }

    /// The same of lines with at most so many bytes, without their line breaks.
    ///
    /// # Errors
    ///
    /// As for [`Self::lines`].
    pub fn lines_of(&mut self, most: u64) -> Result<impl Iterator<Item = (u64, Result<String>)>> {
        self.0.rewind()?;
        let mut reader = BufReader::new(&self.0);
        let mut number = 0;
        let mut has_failed = false;
        Ok(std::iter::from_fn(move || {
            if has_failed {
                return None;
            }
            number += 1;
            let line = next_line(&mut reader, most).transpose()?;
            has_failed = line.is_err();
            Some((number, line))
        }))
    }
}

fn next_line(reader: &mut BufReader<&File>, most: u64) -> Result<Option<String>> {
    let mut line = Vec::new();
    // The line break is not counted: one or two bytes.
    if reader.take(most + 2).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    text_of(line, most).map(Some)
}

fn text_of(bytes: Vec<u8>, most: u64) -> Result<String> {
    ensure!(
        bytes.len() as u64 <= most,
        "it is over {} MiB, the most that a record needs",
        most / (1024 * 1024)
    );
    String::from_utf8(bytes).context("it is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(u64, String)>> {
        let mut input = Input::copy(bytes)?;
        let lines = |input: &mut Input| -> Result<Vec<_>> {
            input
                .lines()?
                .map(|(number, line)| Ok((number, line.unwrap_or_else(|error| error.to_string()))))
                .collect()
        };
        let first = lines(&mut input)?;
        assert_eq!(lines(&mut input)?, first, "the second time");
        Ok(first)
    }

    #[test]
    fn lines_are_numbered_and_can_be_read_again() -> Result<()> {
        let long = "x".repeat(RECORD_LIMIT as usize);
        let too_long = format!("{long}x\nb");
        let told = "it is over 10 MiB, the most that a record needs";
        let cases: [(&[u8], &[&str]); 8] = [
            (b"", &[]),
            (b"a", &["a"]),
            (b"a\nb\n", &["a", "b"]),
            (b"a\r\n\r\n\nb\r", &["a", "", "", "b\r"]),
            ("é\n".as_bytes(), &["é"]),
            (b"a\n\xff\nb", &["a", "it is not UTF-8"]),
            (long.as_bytes(), &[&long]),
            (too_long.as_bytes(), &[told]),
        ];
        for (bytes, wanted) in cases {
            let wanted: Vec<_> = (1..).zip(wanted.iter().map(|line| (*line).to_owned())).collect();
            assert!(read(bytes)? == wanted, "{:?}", &bytes[..bytes.len().min(20)]);
        }
        Ok(())
    }

    #[test]
    fn pipes_are_read_as_files_are() -> Result<()> {
        let (reader, mut writer) = io::pipe()?;
        io::Write::write_all(&mut writer, b"a\nb")?;
        drop(writer);
        let mut input = Input::copy(reader)?;
        assert_eq!((input.text()?.as_str(), input.text()?.as_str()), ("a\nb", "a\nb"));
        Ok(())
    }
}
