//! The tables of docs/permissions.md, as a machine reads them.

use crate::roles::{Role, ROLES};
use crate::world::State;
use std::collections::BTreeSet;

const DOCUMENT: &str = include_str!("../../../docs/permissions.md");
const PROGRAM: &str = include_str!("../../../programs/inverse_perps/src/lib.rs");
const HEAD: &str = "| instruction | active | risk-paused | reduce-only | settling | dead oracle | closed |";
const FOOTNOTES: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

/// Who can do an instruction, or a variant of it, in each state.
#[derive(Clone, Debug)]
pub struct Row {
    /// As the table calls it: `instruction` or `instruction, variant`.
    pub name: String,
    cells: Vec<Cell>,
}

/// Who can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell(Vec<Role>);

impl Cell {
    /// Reads `all`, `–`, or letters.
    fn parse(text: &str) -> Self {
        match text {
            "all" => Self(ROLES.to_vec()),
            "–" => Self(Vec::new()),
            letters => Self(letters.split(' ').map(Role::parse).collect()),
        }
    }

    /// Whether a role can.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Whether nobody can.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether everyone can.
    pub fn is_all(&self) -> bool {
        self.0.len() == ROLES.len()
    }
}

impl Row {
    fn parse(line: &str) -> Self {
        let line: String = line.chars().filter(|letter| !FOOTNOTES.contains(letter)).collect();
        let mut fields = line.trim_matches('|').split('|').map(str::trim);
        let name = fields.next().expect("a row has a name").replace('`', "");
        let cells: Vec<Cell> = fields.map(Cell::parse).collect();
        assert_eq!(cells.len(), State::ALL.len(), "{name}: a column a state");
        Self { name: name.trim().replace(" ,", ","), cells }
    }

    /// The instruction's name.
    pub fn instruction(&self) -> &str {
        self.name.split(',').next().expect("a name")
    }

    /// Who can in a state.
    pub fn cell(&self, state: State) -> &Cell {
        &self.cells[state as usize]
    }
}

/// Every row of every table about instructions.
pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut lines = DOCUMENT.lines();
    while let Some(line) = lines.next() {
        if line == HEAD {
            rows.extend(lines.by_ref().skip(1).take_while(|line| line.starts_with('|')).map(Row::parse));
        }
    }
    rows
}

/// The program's instructions, out of its own dispatch.
pub fn instructions() -> BTreeSet<String> {
    let dispatch = PROGRAM.split_once("#[program]").expect("the program has a dispatch").1;
    let functions = dispatch.split("pub fn ").skip(1);
    functions.map(|rest| rest.split_once('(').expect("a function has arguments").0.to_string()).collect()
}
