//! Why a transaction failed.

use litesvm::types::FailedTransactionMetadata;

/// A transaction that failed, with the program's message.
#[derive(Debug)]
pub struct Refused {
    /// The custom error code, if it was the program's.
    pub code: Option<u32>,
    /// The program's message.
    pub message: String,
    /// Logs.
    pub logs: Vec<String>,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

impl From<FailedTransactionMetadata> for Refused {
    fn from(failed: FailedTransactionMetadata) -> Self {
        let logs = failed.meta.logs;
        let code = logs.iter().find_map(|line| u32::from_str_radix(line.split_once("custom program error: 0x")?.1, 16).ok());
        let said = logs.iter().find_map(|line| Some(line.split_once("Error Message: ")?.1.trim_end_matches('.').to_string()));
        Self { code, message: said.unwrap_or_else(|| failed.err.to_string()), logs }
    }
}
