//! Double-entry accounts and postings: what each account holds, at any log index.
