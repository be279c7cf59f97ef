//! Bars of text.

use ratatui::style::{Color, Style};
use ratatui::text::Span;

const WHOLE_PPB: i128 = 1_000_000_000;

/// A bar that is filled to a share in parts per billion, at most whole.
pub fn bar(ppb: i128, width: usize) -> String {
    let whole = i128::try_from(width).unwrap_or(0);
    let filled = ppb.clamp(0, WHOLE_PPB).saturating_mul(whole).saturating_add(WHOLE_PPB / 2) / WHOLE_PPB;
    let filled = usize::try_from(filled).unwrap_or(0).min(width);
    format!("{}{}", "█".repeat(filled), "░".repeat(width.saturating_sub(filled)))
}

/// The bar in a colour.
pub fn coloured(ppb: i128, width: usize, colour: Color) -> Span<'static> {
    Span::styled(bar(ppb, width), Style::new().fg(colour))
}

/// Green for gains, red for losses.
pub fn by_sign(value: i64) -> Color {
    match value {
        0 => Color::Reset,
        gain if gain > 0 => Color::Green,
        _ => Color::Red,
    }
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_is_filled_by_its_share_and_never_beyond() {
        assert_eq!(bar(0, 4), "░░░░");
        assert_eq!(bar(500_000_000, 4), "██░░");
        assert_eq!(bar(1_000_000_000, 4), "████");
        assert_eq!(bar(i128::MAX, 4), "████");
        assert_eq!(bar(-1, 4), "░░░░");
        // Three eighths of four cells are one and a half: half a cell counts whole.
        assert_eq!(bar(375_000_000, 4), "██░░");
    }
}
