//! Where Pyth's receiver program would be, on the localnet alone: it owns accounts of Pyth's own type, and whoever is the
//! `write_authority` of one writes messages into it. Nothing is verified: the localnet's publisher is believed.

#[cfg(feature = "upstream-compiler")]
use sbf_builtins as _;

use anchor_lang::prelude::*;
use pyth_solana_receiver_sdk::price_update::{PriceFeedMessage, PriceUpdateV2, VerificationLevel};

declare_id!("rec5EKMGg6MxZYaMdyBfgwp4d5rB9T1VQH5pJv5LtFJ");

/// Why a message is not written.
#[error_code]
pub enum ReceiverError {
    /// Only the account's `write_authority` writes to it.
    #[msg("this account is written by its write_authority alone; sign with that key")]
    WrongAuthority,
    /// Feed and archive must be two accounts.
    #[msg("the feed's account and the archive's must be two different ones")]
    SameAccount,
    /// The message is of another feed than the account.
    #[msg("the message is of another feed than the account; name the account of the message's feed")]
    WrongFeed,
    /// The feed's account holds an update that is as new or newer.
    #[msg("the feed's account holds an update as new as this one or newer; publish a later one")]
    NotNewer,
    /// The message does not follow on the one that the feed's account holds.
    #[msg("prev_publish_time must be the publish_time of the update that the feed's account holds; read it again")]
    NotChained,
}

/// The program's instructions.
#[program]
pub mod receiver_stand_in {
    use super::*;

    /// Writes a message into the feed's account and into one of its archive, as fully verified.
    ///
    /// # Errors
    /// Any `ReceiverError`.
    pub fn write_update(ctx: Context<WriteUpdate>, message: PriceFeedMessage) -> Result<()> {
        ctx.accounts.validate(&message)?;
        let posted_slot = Clock::get()?.slot;
        let WriteUpdate { feed, archive, .. } = ctx.accounts;
        for account in [feed, archive] {
            account.verification_level = VerificationLevel::Full;
            account.price_message = message;
            account.posted_slot = posted_slot;
        }
        Ok(())
    }
}

/// Accounts of `write_update`.
#[derive(Accounts)]
pub struct WriteUpdate<'info> {
    /// Both accounts' `write_authority`.
    pub write_authority: Signer<'info>,
    /// The account that holds the newest update of the feed.
    #[account(mut, has_one = write_authority @ ReceiverError::WrongAuthority)]
    pub feed: Account<'info, PriceUpdateV2>,
    /// The account that keeps this update after the next ones.
    #[account(mut, has_one = write_authority @ ReceiverError::WrongAuthority)]
    pub archive: Account<'info, PriceUpdateV2>,
}

impl WriteUpdate<'_> {
    fn validate(&self, message: &PriceFeedMessage) -> Result<()> {
        let (held, kept) = (&self.feed.price_message, &self.archive.price_message);
        require_keys_neq!(self.feed.key(), self.archive.key(), ReceiverError::SameAccount);
        require!(message.feed_id == held.feed_id && message.feed_id == kept.feed_id, ReceiverError::WrongFeed);
        require_gt!(message.publish_time, held.publish_time, ReceiverError::NotNewer);
        require_eq!(message.prev_publish_time, held.publish_time, ReceiverError::NotChained);
        Ok(())
    }
}
