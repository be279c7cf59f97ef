//! Why the simulator refused a transaction.

use crate::client::refusal::Refusal;
use litesvm::types::FailedTransactionMetadata;

impl From<FailedTransactionMetadata> for Refusal {
    fn from(failed: FailedTransactionMetadata) -> Self {
        Self::new(&failed.err, failed.meta.logs)
    }
}
