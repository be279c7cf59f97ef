//! The terminal, taken and given back.

use super::screen::Screen;
use super::{Reader, GLANCE};
use anyhow::{Context, Result};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::DefaultTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

/// Draws until somebody ends it. The terminal is given back whatever happens: after an error here, after a panic by the hook that
/// `try_init` sets.
///
/// # Errors
/// A terminal that cannot be taken, drawn on or read from.
pub fn run(screen: &mut Screen, reader: &Reader, stop: &AtomicBool) -> Result<()> {
    let mut terminal = ratatui::try_init().context("the terminal cannot be drawn on; --once prints plain text")?;
    let outcome = watch(&mut terminal, screen, reader, stop);
    let restored = ratatui::try_restore().context("the terminal could not be given back; the command reset does");
    outcome.and(restored)
}

fn watch(terminal: &mut DefaultTerminal, screen: &mut Screen, reader: &Reader, stop: &AtomicBool) -> Result<()> {
    while !stop.load(Ordering::SeqCst) {
        while let Some(read) = reader.try_next() {
            screen.take(read);
        }
        let mut drawn = Ok(());
        terminal.draw(|frame| drawn = screen.draw(frame))?;
        drawn?;
        if !event::poll(GLANCE)? {
            continue;
        }
        match event::read()? {
            Event::Key(key) if ends(&key) => break,
            Event::Key(key) if key.kind == KeyEventKind::Press && key.code == KeyCode::Char('r') => reader.hurry(),
            _ => (),
        }
    }
    Ok(())
}

/// q, Escape, and Control-C, which is a key like any other while the terminal is taken.
fn ends(key: &KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press
        && match key.code {
            KeyCode::Char('q') | KeyCode::Esc => true,
            KeyCode::Char('c') => control,
            _ => false,
        }
}
