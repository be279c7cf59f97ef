//! Why a transaction was refused, in the program's words.

use solana_transaction_error::TransactionError;

/// A transaction that the chain refused, with the message of the program that refused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The custom error code, where a program gave one.
    pub code: Option<u32>,
    /// The error's name, such as `MarginBelowInitial`, where the program logged it.
    pub name: Option<String>,
    /// What to tell its user: the rule and its bound.
    pub message: String,
    /// The chain's logs.
    pub logs: Vec<String>,
}

impl Refusal {
    /// Of an error with the logs that came with it.
    pub fn new(error: &TransactionError, logs: Vec<String>) -> Self {
        Self::read(error.to_string(), logs)
    }

    /// Of what the chain said about it, with the logs that came with it.
    pub fn read(said: String, logs: Vec<String>) -> Self {
        let find = |mark: &str| logs.iter().find_map(|line| Some(line.split_once(mark)?.1.to_owned()));
        let hexadecimal = |text: &str| text.split_once("custom program error: 0x").and_then(|(_, code)| leading_hex(code));
        let code = logs.iter().find_map(|line| hexadecimal(line)).or_else(|| hexadecimal(&said));
        let name = find("Error Code: ").and_then(|rest| Some(rest.split_once('.')?.0.to_owned()));
        let message = find("Error Message: ").map(|text| text.trim_end_matches('.').to_owned());
        Self { code, name, message: message.unwrap_or_else(|| plain(&said)), logs }
    }

    /// Whether the program refused it by this name, such as `PositionHealthy`.
    pub fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }
}

fn leading_hex(text: &str) -> Option<u32> {
    let digits = text.split(|letter: char| !letter.is_ascii_hexdigit()).next()?;
    u32::from_str_radix(digits, 16).ok()
}

/// What the commonest refusals of the chain itself mean for who sees them.
fn plain(said: &str) -> String {
    let known = [
        (
            "Attempt to debit an account but found no record of a prior credit",
            "the paying account has no SOL; send it some for rent and fees",
        ),
        ("insufficient lamports", "the paying account has too little SOL for rent and fees"),
        (
            "custom program error: 0x1",
            "a token account holds less than what is to be transferred, or the paying account too little SOL",
        ),
    ];
    let meaning = known.iter().find(|(sign, _)| said.ends_with(sign) || said.starts_with(sign));
    meaning.map_or_else(|| said.to_owned(), |(_, meaning)| format!("{meaning} ({said})"))
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(formatter, " ({name})"))
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::Refusal;

    #[test]
    fn the_program_s_words_are_found_in_the_logs() {
        let logs = vec![
            "Program 7oLb invoke [1]".to_owned(),
            "Program log: AnchorError thrown in programs/inverse_perps/src/lib.rs:1. Error Code: PositionHealthy. Error Number: 6021. \
             Error Message: Equity is at or above maintenance margin."
                .to_owned(),
            "Program 7oLb failed: custom program error: 0x1785".to_owned(),
        ];
        let refusal = Refusal::read("Error processing Instruction 0: custom program error: 0x1785".to_owned(), logs);
        assert_eq!(refusal.code, Some(0x1785));
        assert!(refusal.is("PositionHealthy"));
        assert_eq!(refusal.to_string(), "Equity is at or above maintenance margin (PositionHealthy)");
    }

    #[test]
    fn without_logs_the_chain_s_words_stand() {
        let refusal = Refusal::read("Error processing Instruction 2: custom program error: 0x1".to_owned(), vec![]);
        assert_eq!((refusal.code, refusal.name.clone()), (Some(1), None));
        assert!(refusal.message.contains("less than what is to be transferred"), "{refusal}");
    }
}
