//! The program's errors: the engine's rules under the same names, and the rules about accounts.

use anchor_lang::prelude::*;
use inverse_perps_engine::{for_each_engine_error, Error as EngineError};

macro_rules! define {
    ($($name:ident = $message:tt,)*) => {
        /// One error a rule; its message states the rule and the bound.
        #[error_code]
        #[derive(PartialEq, Eq)]
        pub enum PerpError {
            $(#[doc = $message] #[msg($message)] $name,)*
            /// The signer must be the program's upgrade authority.
            #[msg("Only the program's upgrade authority can initialize the exchange")]
            NotUpgradeAuthority,
            /// The timelock's bounds.
            #[msg("The timelock must be from 1 second to 30 days")]
            TimelockOutOfBounds,
            /// The signer must be the admin.
            #[msg("The signer is not the exchange's admin")]
            NotAdmin,
            /// The signer must have been nominated.
            #[msg("The signer is not the one whom the admin has nominated")]
            NotNominee,
            /// The signer must be guardian or admin.
            #[msg("The signer is neither the exchange's guardian nor its admin")]
            NotGuardian,
            /// A market has one proposal at a time.
            #[msg("The market has a proposal already; execute or cancel it first")]
            UpdatePending,
            /// There must be a proposal.
            #[msg("The market has no proposal")]
            NoPendingUpdate,
            /// Rotation of the admin kills proposals.
            #[msg("The proposal was made by a former admin; cancel it and propose anew")]
            ProposedByFormerAdmin,
            /// The mint must belong to the classic token program.
            #[msg("The collateral must be a mint of the classic SPL Token program; Token-2022 mints are not supported")]
            Token2022NotSupported,
            /// Its transfers would run another program.
            #[msg("The collateral mint has the Token-2022 extension TransferHook: every transfer would call a program of its issuer's")]
            MintHasTransferHook,
            /// Less would arrive than was sent.
            #[msg("The collateral mint has the Token-2022 extension TransferFeeConfig: less would arrive than is sent")]
            MintHasTransferFee,
            /// Its issuer could empty the vault.
            #[msg("The collateral mint has the Token-2022 extension PermanentDelegate: its issuer could empty the vault")]
            MintHasPermanentDelegate,
            /// The vault would be born frozen.
            #[msg("The collateral mint has the Token-2022 extension DefaultAccountState: the vault would be created frozen")]
            MintFreezesAccounts,
            /// The mint must count satoshi.
            #[msg("The collateral mint must have exactly 8 decimals")]
            WrongDecimals,
            /// The signer must be the position's owner.
            #[msg("The signer is not the position's owner")]
            NotOwner,
            /// The signer must be the position's owner or delegate.
            #[msg("The signer is neither the position's owner nor its delegate")]
            NotTrader,
            /// A delegate is somebody else than the owner.
            #[msg("The delegate must be somebody other than the owner; there must be one to revoke")]
            WrongDelegate,
            /// Orders need a price history.
            #[msg("A market on a legacy price account has no orders: that account holds only the newest price")]
            OrdersNeedPull,
            /// A market without a price history must fill at once.
            #[msg("A market on a legacy price account can only have instant fills")]
            LegacyFillsInstantly,
            /// The order must be the position's.
            #[msg("The order belongs to another position")]
            WrongOrder,
            /// Two resting orders, each linked with no other.
            #[msg("Only two resting orders can be linked, each with one other at most")]
            OrderNotLinkable,
            /// Who has triggered the order must be given to be paid.
            #[msg("The triggerer must be a token account of the market's mint, and the one that has triggered the order; it is left off if none has, or if it is the destination")]
            WrongTriggerer,
            /// The linked order must be given.
            #[msg("The partner must be the order that this one is linked with, and left off if there is none")]
            WrongPartner,
            /// The position must belong to the market.
            #[msg("The position belongs to another market")]
            WrongMarket,
            /// The vault must be the market's.
            #[msg("The vault is not the market's")]
            WrongVault,
            /// The LP mint must be the market's.
            #[msg("The LP mint is not the market's")]
            WrongLpMint,
            /// The escrow must be the market's.
            #[msg("The LP escrow is not the market's")]
            WrongLpEscrow,
            /// The settlement must be the claim's.
            #[msg("The Settlement account is not of this market and of the claim's epoch")]
            WrongSettlement,
            /// Rent goes back to who paid it.
            #[msg("The rent must go back to the account that paid it")]
            WrongRentRecipient,
            /// Tokens must reach who they belong to.
            #[msg("The token account does not belong to whom the instruction pays: the position's or withdrawal's owner, or the fee recipient")]
            WrongRecipient,
            /// What is paid out for others goes to their associated account.
            #[msg("The destination is not the owner's associated token account")]
            WrongAssociatedAccount,
            /// Only a closed market is paid out by others.
            #[msg("The market is not closed; until it is, owners withdraw themselves")]
            MarketNotClosed,
            /// Claims must be redeemed first.
            #[msg("The settlement has claims that are not redeemed yet")]
            SettlementUnredeemed,
            /// The price account must belong to the pinned Pyth program.
            #[msg("The price account is not owned by the Pyth program that this market trusts")]
            WrongOracleOwner,
            /// The price account must be of the expected type.
            #[msg("The price account is not a Pyth price account of the expected type and size")]
            WrongOracleAccount,
            /// The price account must be the market's feed.
            #[msg("The price account is not of the market's feed")]
            WrongFeed,
            /// The price must be signed by enough guardians.
            #[msg("The price update is not fully verified")]
            PriceNotFullyVerified,
            /// A legacy price must be trading.
            #[msg("The legacy price account's status is not trading")]
            PriceNotTrading,
            /// The vault must hold the ledger.
            #[msg("The vault holds less than the ledger says")]
            VaultShort,
            /// What was sent must arrive.
            #[msg("The vault did not receive exactly the amount sent")]
            TransferMismatch,
        }

        impl From<EngineError> for PerpError {
            fn from(error: EngineError) -> Self {
                match error {
                    $(EngineError::$name => PerpError::$name,)*
                }
            }
        }
    };
}
for_each_engine_error!(define);

/// Turns an engine error into the program's: `engine_call.map_err(fail)?`.
#[cold]
pub fn fail(error: EngineError) -> anchor_lang::error::Error {
    PerpError::from(error).into()
}
