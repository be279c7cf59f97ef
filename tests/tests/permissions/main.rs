//! Every cell of the tables in docs/permissions.md: each role tries each instruction in each state of a market, with everything
//! else right. What the table allows must succeed, whatever else must be refused, for the reason that the cell gives.

mod roles;
mod rows;
mod table;
mod undo;
mod world;

use inverse_perps_engine::market::Fills;
use inverse_perps_tests::harness::prelude::*;
use roles::{judge, Role, Wrong, ROLES};
use solana_instruction::error::InstructionError;
use std::collections::BTreeSet;
use table::{instructions, rows, Cell, Row};
use world::{State, World};

/// What was found in one state.
#[derive(Default)]
struct Findings {
    cells: usize,
    wrong: Vec<String>,
}

impl Findings {
    /// What became of one cell. Returns what the refusal said.
    fn judge(&mut self, what: &str, allowed: bool, outcome: Result<Sent, InstructionError>) -> Option<Wrong> {
        match outcome {
            Ok(sent) => {
                if !allowed {
                    self.wrong.push(format!("{what}: succeeded, the table says nobody of this role can"));
                } else if sent.events.is_empty() {
                    self.wrong.push(format!("{what}: succeeded, but nothing happened"));
                }
                None
            }
            Err(error) => {
                let (wrong, name) = judge(&error);
                if allowed || wrong == Wrong::Else {
                    let expected = if allowed { "success" } else { "a refusal for the role or the state" };
                    self.wrong.push(format!("{what}: refused with {name}, the table says {expected}"));
                }
                Some(wrong)
            }
        }
    }
}

/// A row in one state, by everyone.
async fn try_row(world: &mut World, row: &Row, state: State, findings: &mut Findings) {
    let saved = world.prepare(&row.name, state).await;
    let cell = row.cell(state);
    let mut said = Vec::new();
    for role in ROLES {
        let instruction = world.call(&row.name, state, role).await;
        let what = format!("{} × {state:?} × {role:?}", row.name);
        if instruction.accounts.iter().any(|meta| meta.is_signer) {
            let signer = world.actor(role).keypair.insecure_clone();
            let outcome = world.attempt(&what, instruction, Some(&signer)).await;
            said.extend(findings.judge(&what, cell.has(role), outcome));
            findings.cells += 1;
        } else {
            assert!(cell.is_all() || cell.is_empty(), "{} × {state:?}: without a signer it is for all or for nobody", row.name);
            let outcome = world.attempt(&what, instruction, None).await;
            said.extend(findings.judge(&what, cell.is_all(), outcome));
            findings.cells += ROLES.len();
            break;
        }
    }
    // Where it is not the time, who is the right one is told so; where it is, the others are told that they are not.
    if cell.is_empty() && !said.contains(&Wrong::When) {
        findings.wrong.push(format!("{} × {state:?}: nobody was refused for the state", row.name));
    }
    if !cell.is_empty() && said.contains(&Wrong::When) {
        findings.wrong.push(format!("{} × {state:?}: somebody was refused for the state, where others are not", row.name));
    }
    world.restore(saved).await;
}

/// Every row in one state, in both kinds of markets.
async fn check(state: State) {
    let mut findings = Findings::default();
    for (fills, others) in [(Fills::OrdersOnly, "instant fills"), (Fills::Instant, "orders only")] {
        let mut world = World::new(fills, state).await;
        for row in rows().iter().filter(|row| !row.name.ends_with(others)) {
            try_row(&mut world, row, state, &mut findings).await;
        }
    }
    println!("{state:?}: {} cells", findings.cells);
    assert!(findings.wrong.is_empty(), "docs/permissions.md and the program differ:\n{}", findings.wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_of_an_active_market() {
    check(State::Active).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_45_every_cell_while_risk_is_paused() {
    check(State::RiskPaused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_45_every_cell_while_the_pause_is_confirmed() {
    check(State::ReduceOnly).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_of_a_market_that_settles() {
    check(State::Settling).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_of_a_market_with_a_dead_oracle() {
    check(State::DeadOracle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_of_a_closed_market() {
    check(State::Closed).await;
}

#[test]
fn every_instruction_has_a_row_and_every_row_an_instruction() {
    let rows = rows();
    let named: BTreeSet<String> = rows.iter().map(|row| row.instruction().to_string()).collect();
    assert_eq!(named, instructions());
    let once: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(once.len(), rows.len(), "a row stands twice");
}

/// A pause blocks what adds risk, the same for a week or confirmed; whatever else works in an active market works as before.
#[test]
fn case_45_a_pause_blocks_what_adds_risk_and_nothing_else() {
    let blocked =
        ["increase_position, instant fills", "place_order, to increase", "trigger_order, to increase", "deposit_liquidity"];
    for row in rows() {
        let [active, paused, confirmed] =
            [State::Active, State::RiskPaused, State::ReduceOnly].map(|state| row.cell(state).clone());
        match row.name.as_str() {
            // Who begins, confirms and ends it.
            "pause_risk" | "confirm_pause" | "resume_risk" => {}
            name if blocked.contains(&name) => assert!(paused.is_empty() && confirmed.is_empty(), "{name}"),
            name => assert!(paused == active && confirmed == active, "{name}"),
        }
    }
}

/// The guardian is nobody but where a pause begins: he neither ends one nor changes a parameter.
#[test]
fn case_45_a_guardian_does_nothing_but_begin_a_pause() {
    for row in rows().iter().filter(|row| row.name != "pause_risk") {
        let own = |cell: &Cell| cell.has(Role::Guardian) && !cell.is_all();
        assert!(!State::ALL.iter().any(|state| own(row.cell(*state))), "{}", row.name);
    }
}

/// An order to increase that a pause has caught is removed, not filled: everything goes back but the tip. None can be left to rest
/// for its end either; one that reduces can.
#[tokio::test(flavor = "multi_thread")]
async fn case_45_no_order_to_increase_comes_through_a_pause() {
    for state in [State::RiskPaused, State::ReduceOnly] {
        let mut world = World::new(Fills::OrdersOnly, state).await;
        let stop = instructions::any_price_to_close(Short);
        let terms = resting(OrderType::Limit, Long, more(1_000), usd(49_000));
        let flat = world.place(Role::Owner, &world.positions.flat, terms).await;
        let signer = world.actor(Role::Owner).keypair.insecure_clone();
        world.chain.refuse("rest to increase", &[flat], &[&signer], PerpError::RiskPaused).await;
        let terms = resting(OrderType::Stop(usd(51_000)), Short, OrderAmount::Close, stop);
        let held = world.place(Role::Owner, &world.positions.held, terms).await;
        world.must("rest to reduce", held, Role::Owner).await;

        let execute = world.call("execute_order, to increase", state, Role::Anyone).await;
        world.must("execute", execute, Role::Anyone).await;
        let position = world.chain.position(&world.positions.opening.position).await.state;
        assert!(position.shares.is_zero() && position.open_orders == 0);
        assert_eq!(position.margin.get(), BTC - TIP);
    }
}
