//! The attached list of a declaration of use: one line a contribution.
//!
//! A line is the id of a contribution in 64 lower-case hex digits, and where units were metered a
//! space and their number. Lines ascend by id, none twice, so that a list has one order.

use super::{ThingId, Violation};

/// The most lines of one list. A period takes several lists, so this bounds only what one command
/// makes the single writer do.
pub const USE_LINES_MAX: usize = 10_000;

/// One line of a list of uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UseLine {
    /// The contribution that was used.
    pub contribution: ThingId,
    /// The metered units; 0 where none were.
    pub units: u64,
}

/// Reads a list of uses.
///
/// # Errors
/// What is wrong with the first line that is, under the path `use_list:LINE`, lines from 1; or
/// with the list as a whole, under `use_list`.
pub fn read_use_list(bytes: &[u8]) -> Result<Vec<UseLine>, Violation> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Violation::new("use_list", "is not text"));
    };
    let mut lines = Vec::new();
    for (line, number) in text.split_terminator('\n').zip(1_usize..) {
        let wrong = |text: String| Violation::new(format!("use_list:{number}"), text);
        if number > USE_LINES_MAX {
            let text =
                format!("is beyond {USE_LINES_MAX} lines; declare the rest with a second list");
            return Err(wrong(text));
        }
        let read = read_line(line).ok_or_else(|| {
            let form = "is not 64 lower-case hex digits, or these, a space and units above zero";
            wrong(form.to_owned())
        })?;
        let last = lines.last().map(|last: &UseLine| last.contribution);
        if last.is_some_and(|last| last >= read.contribution) {
            return Err(wrong("does not ascend from the line before".to_owned()));
        }
        lines.push(read);
    }
    Ok(lines)
}

fn read_line(line: &str) -> Option<UseLine> {
    let (id, units) = match line.split_once(' ') {
        None => (line, 0),
        Some((id, digits)) => {
            let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
            let units = digits
                .parse()
                .ok()
                .filter(|_| plain && !digits.starts_with('0'));
            (id, units?)
        }
    };
    let lower = !id.contains(|digit: char| digit.is_ascii_uppercase());
    let contribution = id.parse().ok().filter(|_| lower)?;
    Some(UseLine {
        contribution,
        units,
    })
}

/// Writes a list of uses as it is attached; the lines are put in order.
pub fn write_use_list(lines: &[UseLine]) -> String {
    let mut lines = lines.to_vec();
    lines.sort_unstable_by_key(|line| line.contribution);
    lines
        .iter()
        .map(|line| match line.units {
            0 => format!("{}\n", line.contribution),
            units => format!("{} {units}\n", line.contribution),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u32, units: u64) -> UseLine {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        UseLine {
            contribution: ThingId(id),
            units,
        }
    }

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let lines = [line(1, 0), line(2, 7), line(3, u64::MAX)];
        let text = write_use_list(&[lines[2], lines[0], lines[1]]);
        assert_eq!(read_use_list(text.as_bytes()).unwrap(), lines);
        assert_eq!(read_use_list(text.trim_end().as_bytes()).unwrap(), lines);
        assert_eq!(read_use_list(b"").unwrap(), []);
    }

    #[test]
    fn what_is_no_list_is_refused_by_line() {
        let good = write_use_list(&[line(1, 0), line(2, 0)]);
        let id = &good[..64];
        for (text, path) in [
            (format!("{good}{id}\n"), "use_list:3"),
            (format!("{id}\n{id}\n"), "use_list:2"),
            (format!("\n{good}"), "use_list:1"),
            (format!("{id}\n\n"), "use_list:2"),
            (format!("{id} \n"), "use_list:1"),
            (format!("{id} 0\n"), "use_list:1"),
            (format!("{id} 07\n"), "use_list:1"),
            (format!("{id} +7\n"), "use_list:1"),
            (format!("{id} 7 7\n"), "use_list:1"),
            (format!("{id} 18446744073709551616\n"), "use_list:1"),
            (format!("{id}\r\n"), "use_list:1"),
            (id[..62].to_owned(), "use_list:1"),
            ("AB".repeat(32), "use_list:1"),
        ] {
            let wrong = read_use_list(text.as_bytes()).unwrap_err();
            assert_eq!(wrong.path, path, "{text:?}");
        }
        assert_eq!(read_use_list(&[0xff]).unwrap_err().path, "use_list");
    }

    #[test]
    fn a_list_has_a_most_of_lines() {
        let most = u32::try_from(USE_LINES_MAX).unwrap();
        let lines: Vec<_> = (0..=most).map(|number| line(number, 0)).collect();
        let text = write_use_list(&lines[..USE_LINES_MAX]);
        assert_eq!(read_use_list(text.as_bytes()).unwrap().len(), USE_LINES_MAX);
        let wrong = read_use_list(write_use_list(&lines).as_bytes()).unwrap_err();
        assert_eq!(wrong.path, format!("use_list:{}", USE_LINES_MAX + 1));
    }
}
