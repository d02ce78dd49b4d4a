//! What a contribution was worth: one file a method, exact integers wherever a form allows.
