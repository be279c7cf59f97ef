//! An answer: fields for machines, rows of label and text for people.

use anyhow::Result;
use serde_json::{Map, Value};
use std::io::Write;

/// How wide labels are at least.
const LABEL_WIDTH: usize = 20;

/// What a command answers.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    fields: Map<String, Value>,
    rows: Vec<(String, String)>,
}

impl Answer {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field for machines.
    pub fn field(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a row for people.
    pub fn row(&mut self, label: &str, text: impl Into<String>) -> &mut Self {
        self.rows.push((label.to_owned(), text.into()));
        self
    }

    /// Adds both: the text is the value with its unit, which stands in the field's name.
    pub fn both(&mut self, label: &str, name: &str, value: impl ToString, unit: &str) -> &mut Self {
        let value = value.to_string();
        let text = if unit.is_empty() { value.clone() } else { format!("{value} {unit}") };
        self.field(name, value).row(label, text)
    }

    /// An empty row.
    pub fn gap(&mut self) -> &mut Self {
        self.row("", "")
    }

    /// Adds everything of another after it.
    pub fn append(&mut self, other: Answer) -> &mut Self {
        self.fields.extend(other.fields);
        self.rows.extend(other.rows);
        self
    }

    /// Adds the rows of another, and none of its fields.
    pub fn append_rows_of(&mut self, other: &Answer) -> &mut Self {
        self.rows.extend(other.rows.iter().cloned());
        self
    }

    /// Forgets the rows, which have been shown.
    pub fn forget_rows(&mut self) -> &mut Self {
        self.rows.clear();
        self
    }

    /// The fields.
    pub fn to_json(&self) -> Value {
        Value::Object(self.fields.clone())
    }

    /// Writes it as JSON or as rows.
    ///
    /// # Errors
    /// A failed write.
    pub fn write(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        if json {
            writeln!(out, "{}", serde_json::to_string_pretty(&self.fields)?)?;
            return Ok(());
        }
        self.write_rows(out)
    }

    /// Writes the rows.
    ///
    /// # Errors
    /// A failed write.
    pub fn write_rows(&self, out: &mut dyn Write) -> Result<()> {
        let width = self.rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0).max(LABEL_WIDTH);
        for (label, text) in &self.rows {
            writeln!(out, "{}", format!("{label:<width$} {text}").trim_end())?;
        }
        Ok(())
    }
}

/// A table for people: columns as wide as their widest cell.
pub fn table(head: &[&str], lines: &[Vec<String>], out: &mut dyn Write) -> Result<()> {
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    for line in std::iter::once(&head).chain(lines) {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}
