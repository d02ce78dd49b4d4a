//! Tests of the client against services that answer wrongly.
