//! Tests of the engine on stores in memory, with clocks that stand still.

mod door;
