//! What a republishing prints: a table, or JSON with the same facts; and an error if something is
//! left undone.

use std::fmt;

use anyhow::{Result, bail};
use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use super::summary::{Counts, Summary};
use crate::{
    drain::source::HIDDEN_MINUTES,
    table::{Column::*, table},
};

/// How many of the pieces that stay the table tells one by one.
const TOLD: usize = 20;

impl Summary {
    /// Fails if something was left undone, and says what.
    ///
    /// # Errors
    ///
    /// It ended early, or messages could not be deleted or shown.
    pub fn check(&self) -> Result<()> {
        let mut complaints = Vec::new();
        let reason = self.refusal.as_deref().unwrap_or("no reason was given");
        if self.undeleted > 0 {
            complaints.push(format!(
                "{} messages are published again but could not be deleted; the next time they are published again, \
                 as the same events: {reason}",
                self.undeleted
            ));
        }
        let unshown = self.unshown.as_deref();
        complaints.extend(self.end.complaints(
            "run it again for the rest",
            "SQS deletes no message",
            unshown,
        ));
        if complaints.is_empty() { Ok(()) } else { bail!(complaints.join("; ")) }
    }

    fn only_looked(&self) -> bool {
        self.is_dry_run || self.exported.is_some()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.counts.iter().map(|((source, kind), counts)| {
            let Counts { found, republished, dropped, repeated, left } = counts;
            let numbers = [found, republished, dropped, repeated, left].map(ToString::to_string);
            let [found, republished, dropped, repeated, left] = numbers;
            [(*kind).to_owned(), source.as_str().to_owned(), found, republished, dropped, repeated, left]
        });
        let columns = [
            Left("what"),
            Left("where"),
            Right("found"),
            Right(if self.only_looked() { "to republish" } else { "republished" }),
            Right("dropped"),
            Right("repeated"),
            Right("left"),
        ];
        if !self.counts.is_empty() {
            writeln!(formatter, "{}\n", table(columns, rows))?;
        }
        let (found, republished) =
            (self.total(|counts| counts.found), self.total(|counts| counts.republished));
        match (&self.exported, self.is_dry_run) {
            (Some(file), _) => write!(formatter, "wrote {found} into {file}; nothing was changed")?,
            (None, true) => write!(formatter, "would republish {republished} of {found}")?,
            (None, false) => write!(
                formatter,
                "republished {republished} of {found}; deleted {} messages and {} objects",
                self.deleted_messages, self.deleted_objects
            )?,
        }
        if self.exported.is_none() {
            self.write_left(formatter)?;
        }
        if !self.not_found.is_empty() {
            let count = self.not_found.len();
            write!(
                formatter,
                "\n{count} of the file were not found: they are republished already, or expired"
            )?;
        }
        if self.hidden > 0 {
            let hidden = self.hidden;
            write!(
                formatter,
                "\nabout {hidden} more messages were hidden by another command, which still works or was killed; \
                 run it again in {HIDDEN_MINUTES} minutes"
            )?;
        }
        Ok(())
    }
}

impl Summary {
    fn write_left(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.total(|counts| counts.left);
        if left == 0 {
            return Ok(());
        }
        write!(formatter, "\n\nleft where they are:")?;
        for left in self.left.iter().take(TOLD) {
            write!(formatter, "\n  {} {}: {}", left.kind, left.id, left.why)?;
        }
        if left > TOLD as u64 {
            write!(formatter, "\n  and {} more", left - TOLD as u64)?;
        }
        write!(
            formatter,
            "\nMend them: `republish --export FILE` writes them, `republish --from FILE` publishes what you changed."
        )
    }
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            kind: &'a str,
            source: &'a str,
            #[serde(flatten)]
            counts: &'a Counts,
        }
        let rows =
            self.counts.iter().map(|((source, kind), counts)| Row { kind, source: source.as_str(), counts });
        let mut fields = serializer.serialize_struct("Summary", 10)?;
        fields.serialize_field("dry_run", &self.is_dry_run)?;
        fields.serialize_field("exported", &self.exported)?;
        fields.serialize_field("end", &self.end)?;
        fields.serialize_field("counts", &rows.collect::<Vec<_>>())?;
        fields.serialize_field("left", &self.left)?;
        fields.serialize_field("not_found", &self.not_found)?;
        fields.serialize_field("deleted_messages", &self.deleted_messages)?;
        fields.serialize_field("deleted_objects", &self.deleted_objects)?;
        fields.serialize_field("undeleted_messages", &self.undeleted)?;
        fields.serialize_field("hidden_messages", &self.hidden)?;
        fields.end()
    }
}
