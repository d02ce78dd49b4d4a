//! The single writer: orders commands, makes them durable, publishes them.
