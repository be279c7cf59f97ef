//! One builder an instruction of governance.

use super::addresses::{exchange, MarketKeys};
use super::instructions::{build, shortened, SYSTEM_PROGRAM};
use inverse_perps::{accounts, instruction};
use inverse_perps_engine::Params;
use solana_address::Address;
use solana_instruction::Instruction;

/// Names who may become admin; the default address withdraws a nomination.
pub fn nominate_admin(admin: Address, nominee: Address) -> Instruction {
    build(of_exchange(admin), instruction::NominateAdmin { nominee })
}

/// Makes the nominee admin.
pub fn accept_admin(nominee: Address) -> Instruction {
    build(of_exchange(nominee), instruction::AcceptAdmin {})
}

/// Names the guardian.
pub fn set_guardian(admin: Address, guardian: Address) -> Instruction {
    build(of_exchange(admin), instruction::SetGuardian { guardian })
}

fn of_exchange(signer: Address) -> accounts::GovernExchange {
    accounts::GovernExchange { signer, exchange: exchange() }
}

/// Proposes parameters; the admin pays the rent.
pub fn propose_params(keys: &MarketKeys, admin: Address, params: Params) -> Instruction {
    let accounts = accounts::UpdateParams { system_program: Some(SYSTEM_PROGRAM), ..of_proposal(keys, admin, admin) };
    build(accounts, instruction::ProposeParams { params })
}

/// Puts proposed parameters in force; the rent goes back to who paid it.
pub fn execute_params(keys: &MarketKeys, admin: Address, payer: Address, price: Address) -> Instruction {
    shortened(accounts::UpdateParams { price: Some(price), ..of_proposal(keys, admin, payer) }, instruction::ExecuteParams {})
}

/// Withdraws a proposal; the rent goes back to who paid it.
pub fn cancel_params(keys: &MarketKeys, admin: Address, payer: Address) -> Instruction {
    shortened(of_proposal(keys, admin, payer), instruction::CancelParams {})
}

fn of_proposal(keys: &MarketKeys, admin: Address, payer: Address) -> accounts::UpdateParams {
    accounts::UpdateParams {
        admin,
        exchange: exchange(),
        market: keys.market,
        pending: keys.pending_update(),
        payer,
        price: None,
        system_program: None,
    }
}

/// Pauses what adds risk for 7 days; by the guardian or the admin.
pub fn pause_risk(keys: &MarketKeys, signer: Address) -> Instruction {
    build(of_market(keys, signer), instruction::PauseRisk {})
}

/// Pauses what adds risk until it is resumed.
pub fn confirm_pause(keys: &MarketKeys, admin: Address) -> Instruction {
    build(of_market(keys, admin), instruction::ConfirmPause {})
}

/// Ends a pause.
pub fn resume_risk(keys: &MarketKeys, admin: Address) -> Instruction {
    build(of_market(keys, admin), instruction::ResumeRisk {})
}

fn of_market(keys: &MarketKeys, signer: Address) -> accounts::PauseMarket {
    accounts::PauseMarket { signer, exchange: exchange(), market: keys.market }
}
