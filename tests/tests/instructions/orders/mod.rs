//! Orders, one file an instruction.

mod execute_order;
