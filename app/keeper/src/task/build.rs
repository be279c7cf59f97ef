//! The instructions that do it.

use super::{Action, Place, Task};
use anchor_lang::{InstructionData, ToAccountMetas};
use inverse_perps::{accounts, instruction};
use perps::client::addresses::{program, TOKEN_PROGRAM};
use perps::client::instructions::{self, SettleWith};
use perps::client::orders::{self, Execution};
use perps::client::tokens::create_associated_tokens;
use solana_address::Address;
use solana_instruction::Instruction;

impl Task {
    /// Its instructions; `fill_price` is the account found for its fill query, none where that is the current price.
    pub fn instructions(&self, fill_price: Option<Address>) -> Vec<Instruction> {
        let create = self.place.tokens_missing && self.action.is_paid_here();
        let mut all: Vec<Instruction> = create.then(|| self.open_tokens()).into_iter().collect();
        all.push(self.instruction(fill_price));
        all
    }

    fn instruction(&self, fill_price: Option<Address>) -> Instruction {
        let Place { keys, price, keeper, tokens, .. } = &self.place;
        let settle_with = |tip_to, claim_epoch| SettleWith { price: Some(*price), tip_to, claim_epoch };
        match self.action {
            Action::OpenTokens => self.open_tokens(),
            Action::Deleverage => instructions::deleverage(keys, *price),
            Action::Accrue => instructions::accrue_funding(keys, *price),
            Action::Liquidate(position) => instructions::liquidate(keys, position, *tokens, *price),
            Action::Execute { order, triggerer, partner, .. } => {
                let execution = Execution { order, price: *price, fill_price, destination: *tokens, triggerer, partner };
                orders::execute_order(keys, execution)
            }
            Action::Trigger { order, .. } => orders::trigger_order(keys, order.position, order.id, *price, *tokens),
            Action::Expire { order, .. } => orders::expire_order(keys, *keeper, order),
            Action::CloseOut(position) => instructions::settle(keys, position, settle_with(Some(*tokens), None)),
            Action::Finish(epoch) => instructions::finish_settlement(keys, *keeper, epoch),
            Action::Redeem(position, epoch) => instructions::settle(keys, position, settle_with(None, Some(epoch))),
            Action::CloseSettlement { epoch, payer, .. } => instructions::close_settlement(keys, payer, epoch),
            Action::PayOut { position, owner, claim_epoch } => {
                instructions::pay_out(keys, *keeper, position, owner, claim_epoch)
            }
            Action::DeclareDead => instructions::declare_dead(keys),
            Action::ShowPrice => instructions::show_settlement_price(keys, *price),
            Action::SettleMarket => instructions::settle_market(keys),
            Action::ReturnWithdrawal { address, payer, destination } => self.return_withdrawal(address, payer, destination),
        }
    }

    fn open_tokens(&self) -> Instruction {
        create_associated_tokens(self.place.keeper, self.place.keeper, self.place.keys.mint)
    }

    /// The SDK's builder is for owners, who have paid the rent themselves; here somebody else may have.
    fn return_withdrawal(&self, withdrawal: Address, payer: Address, destination: Address) -> Instruction {
        let Place { keys, keeper, .. } = &self.place;
        let accounts = accounts::ReturnWithdrawal {
            caller: *keeper,
            market: keys.market,
            withdrawal,
            payer,
            lp_escrow: keys.lp_escrow,
            destination,
            token_program: TOKEN_PROGRAM,
        };
        let data = instruction::ReturnWithdrawal {}.data();
        Instruction { program_id: program(), accounts: accounts.to_account_metas(None), data }
    }
}
