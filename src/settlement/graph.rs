//! The derivations between contributions: no cycles, no path too long, and an order of turns.

use super::table::Table;

/// The edges of the contributions, from each child to its parents, by row.
pub(super) type Parents = Table<Vec<Edge>>;

/// One edge up to a parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    /// The row of the parent.
    pub(super) parent: usize,
    /// What is passed up, in basis points.
    pub(super) bps: u32,
}

/// How contributions descend from each other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Descent {
    /// The length of the longest path up from each row, in edges.
    pub(super) generation: Table<usize>,
    /// The rows that stand on a cycle or between cycles, ascending; none in a sound run.
    pub(super) cyclic: Vec<usize>,
    /// All other rows, parents before children.
    order: Vec<usize>,
}

impl Descent {
    /// Follows the edges from those without parents down to the last generation.
    pub(super) fn of(parents: &Parents) -> Self {
        let mut children: Table<Vec<usize>> = Table::beside(parents);
        for (child, edges) in parents.iter().enumerate() {
            for edge in edges {
                children[edge.parent].push(child);
            }
        }
        let mut waiting: Table<usize> = parents.iter().map(Vec::len).collect();
        let mut generation: Table<usize> = Table::beside(parents);
        let mut order: Vec<usize> = (0..parents.len())
            .filter(|row| waiting[*row] == 0)
            .collect();
        let mut turn = 0;
        while let Some(parent) = order.get(turn).copied() {
            turn = turn.saturating_add(1);
            let below = generation[parent].saturating_add(1);
            for child in &children[parent] {
                generation[*child] = generation[*child].max(below);
                waiting[*child] = waiting[*child].saturating_sub(1);
                if waiting[*child] == 0 {
                    order.push(*child);
                }
            }
        }
        let cyclic = cyclic_rows(parents, &children, &waiting);
        Self {
            generation,
            cyclic,
            order,
        }
    }

    /// Returns the rows in the order of their turns: highest generation first, ties by row.
    pub(super) fn turns(mut self) -> Vec<usize> {
        let generation = &self.generation;
        self.order
            .sort_unstable_by(|a, b| generation[*b].cmp(&generation[*a]).then_with(|| a.cmp(b)));
        self.order
    }
}

/// Of the rows that still wait for a parent, those that also have a child that waits.
fn cyclic_rows(
    parents: &Parents,
    children: &Table<Vec<usize>>,
    waiting: &Table<usize>,
) -> Vec<usize> {
    let mut stuck: Table<bool> = waiting.iter().map(|parents| *parents > 0).collect();
    let mut stuck_children: Table<usize> = children
        .iter()
        .map(|below| below.iter().filter(|child| stuck[**child]).count())
        .collect();
    let mut leaves: Vec<usize> = (0..parents.len())
        .filter(|row| stuck[*row] && stuck_children[*row] == 0)
        .collect();
    while let Some(leaf) = leaves.pop() {
        stuck[leaf] = false;
        for edge in &parents[leaf] {
            let left = &mut stuck_children[edge.parent];
            *left = left.saturating_sub(1);
            if *left == 0 && stuck[edge.parent] {
                leaves.push(edge.parent);
            }
        }
    }
    (0..parents.len()).filter(|row| stuck[*row]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descent(edges: &[&[usize]]) -> Descent {
        Descent::of(
            &edges
                .iter()
                .map(|parents| {
                    parents
                        .iter()
                        .map(|parent| Edge {
                            parent: *parent,
                            bps: 0,
                        })
                        .collect()
                })
                .collect(),
        )
    }

    #[test]
    fn the_turn_goes_by_the_highest_generation_then_the_row() {
        let found = descent(&[&[1, 2], &[2], &[], &[2], &[]]);
        assert_eq!(found.generation, [2, 1, 0, 1, 0].into_iter().collect());
        assert_eq!(found.cyclic, [0usize; 0]);
        assert_eq!(found.turns(), [0, 1, 3, 2, 4]);
    }

    #[test]
    fn only_the_rows_of_a_cycle_are_named() {
        assert_eq!(descent(&[&[0]]).cyclic, [0]);
        // 0 descends from the cycle of 1 and 2, which descends from 3.
        assert_eq!(descent(&[&[1], &[2], &[1, 3], &[]]).cyclic, [1, 2]);
    }
}
