//! What is on the screen.

use super::snapshot::Snapshot;
use super::{panels, tables, Read};
use crate::commands::market::terms::status;
use crate::session::words::{cents, ends, span, utc};
use anyhow::Result;
use inverse_perps_engine::market::Fills;
use inverse_perps_engine::units::Price;
use ratatui::backend::TestBackend;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Sparkline};
use ratatui::{Frame, Terminal};
use solana_address::Address;
use std::collections::VecDeque;
use std::time::Instant;

/// Samples of the price that are kept: more than a terminal is wide.
const SAMPLES: usize = 500;
const PLAIN_WIDTH: u16 = 132;
const PANELS: u16 = 10;
const CHART: u16 = 6;
/// Borders and head of a table.
const AROUND: u16 = 3;

/// What is known and shown.
pub struct Screen {
    url: String,
    owner: Option<Address>,
    last: Option<Snapshot>,
    good_at: Instant,
    trouble: Option<String>,
    prices: VecDeque<Price>,
}

impl Screen {
    /// Nothing known yet.
    pub fn new(url: String, owner: Option<Address>) -> Self {
        Self { url, owner, last: None, good_at: Instant::now(), trouble: None, prices: VecDeque::new() }
    }

    /// Takes in what was read. What could not be read leaves what is known, as stale.
    pub fn take(&mut self, read: Read) {
        match read {
            Err(why) => self.trouble = Some(why),
            Ok(snapshot) => {
                if let Some(mark) = snapshot.market.mark() {
                    self.prices.push_back(mark);
                    while self.prices.len() > SAMPLES {
                        self.prices.pop_front();
                    }
                }
                (self.last, self.good_at, self.trouble) = (Some(snapshot), Instant::now(), None);
            }
        }
    }

    /// Draws it.
    ///
    /// # Errors
    /// Those of the engine, which would be bugs.
    pub fn draw(&self, frame: &mut Frame) -> Result<()> {
        let [rest, foot] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
        let [above, chart, tables] =
            Layout::vertical([Constraint::Length(1 + PANELS), Constraint::Length(CHART), Constraint::Min(0)]).areas(rest);
        self.draw_above(above, frame)?;
        self.draw_chart(chart, frame);
        self.draw_tables(tables, frame)?;
        frame.render_widget(Paragraph::new(self.foot()), foot);
        Ok(())
    }

    /// Head and panels.
    fn draw_above(&self, area: Rect, frame: &mut Frame) -> Result<()> {
        let Some(snapshot) = &self.last else {
            frame.render_widget(Paragraph::new("reading"), area);
            return Ok(());
        };
        let [head, panels] = Layout::vertical([Constraint::Length(1), Constraint::Length(PANELS)]).areas(area);
        frame.render_widget(Paragraph::new(self.head(snapshot)), head);
        draw_panels(snapshot, panels, frame)
    }

    fn draw_tables(&self, area: Rect, frame: &mut Frame) -> Result<()> {
        let Some(snapshot) = &self.last else { return Ok(()) };
        let heights = [Constraint::Length(self.positions_height()), Constraint::Min(AROUND)];
        let [positions, orders] = Layout::vertical(heights).areas(area);
        let whose = self.owner.map_or("nobody: name an --owner, or a key".to_owned(), |owner| owner.to_string());
        let block = Block::bordered().title(format!(" positions of {whose} "));
        frame.render_widget(tables::positions(snapshot)?.block(block), positions);
        frame.render_widget(tables::orders(snapshot).block(Block::bordered().title(" orders ")), orders);
        Ok(())
    }

    fn head(&self, snapshot: &Snapshot) -> Line<'static> {
        let market = &snapshot.market;
        let fills = if market.state.fills() == Fills::OrdersOnly { "orders only" } else { "orders and instant trades" };
        let bold = Style::new().add_modifier(Modifier::BOLD);
        Line::from(vec![
            Span::styled(format!("market {}", ends(&market.keys.market.to_string())), bold),
            Span::raw(format!("  {}, {fills}  {}  slot {}", status(market), utc(snapshot.time()), market.moment.slot)),
        ])
    }

    fn foot(&self) -> Line<'static> {
        match &self.trouble {
            None => Line::from(format!("{}  q ends, r reads", self.url)),
            Some(why) => {
                let age = i64::try_from(self.good_at.elapsed().as_secs()).unwrap_or(i64::MAX);
                let text = format!("stale since {} ago: {}", span(age), why.lines().next().unwrap_or_default());
                Line::styled(text, Style::new().fg(Color::White).bg(Color::Red))
            }
        }
    }

    fn draw_chart(&self, area: Rect, frame: &mut Frame) {
        let shown = usize::from(area.width.saturating_sub(2));
        let recent: Vec<u64> =
            self.prices.iter().skip(self.prices.len().saturating_sub(shown)).map(|price| price.get()).collect();
        let (Some(low), Some(high)) = (recent.iter().min(), recent.iter().max()) else { return };
        let title = format!(" mark, {} to {} USD ", cents(Price::new(*low)), cents(Price::new(*high)));
        // Bars grow from the lowest price; the lowest is seen too.
        let floor = low.saturating_sub(high.saturating_sub(*low) / 8).saturating_sub(1);
        let data: Vec<u64> = recent.iter().map(|price| price.saturating_sub(floor)).collect();
        let chart = Sparkline::default().block(Block::bordered().title(title)).data(data).style(Style::new().fg(Color::Cyan));
        frame.render_widget(chart, area);
    }

    fn positions_height(&self) -> u16 {
        let count = self.last.as_ref().map_or(0, |snapshot| snapshot.held.len());
        u16::try_from(count).unwrap_or(u16::MAX).max(1).saturating_add(AROUND).min(20)
    }

    fn orders_height(&self) -> u16 {
        let count = self.last.as_ref().map_or(0, |snapshot| snapshot.held.iter().map(|held| held.orders.len()).sum());
        u16::try_from(count).unwrap_or(u16::MAX).max(1).saturating_add(AROUND).min(60)
    }

    /// One frame as plain text: without chart, which would have one price, and keys.
    ///
    /// # Errors
    /// As `draw`.
    pub fn plain(&self) -> Result<String> {
        let (above, tables) = (1 + PANELS, self.positions_height().saturating_add(self.orders_height()));
        let height = tables.saturating_add(above);
        let mut terminal = Terminal::new(TestBackend::new(PLAIN_WIDTH, height))?;
        let mut drawn = Ok(());
        terminal.draw(|frame| {
            let [first, second] = Layout::vertical([Constraint::Length(above), Constraint::Length(tables)]).areas(frame.area());
            drawn = self.draw_above(first, frame).and_then(|()| self.draw_tables(second, frame));
        })?;
        drawn?;
        let buffer = terminal.backend().buffer();
        let line = |y: u16| -> String {
            let text: String = (0..PLAIN_WIDTH).filter_map(|x| buffer.cell((x, y))).map(|cell| cell.symbol()).collect();
            format!("{}\n", text.trim_end())
        };
        Ok((0..height).map(line).collect())
    }
}

fn draw_panels(snapshot: &Snapshot, area: Rect, frame: &mut Frame) -> Result<()> {
    let widths = [Constraint::Percentage(24), Constraint::Percentage(42), Constraint::Percentage(34)];
    let areas = Layout::horizontal(widths).split(area);
    let panels = [
        (" price ", panels::price(snapshot)),
        (" open interest ", panels::sides(snapshot)?),
        (" pool ", panels::pool(snapshot)?),
    ];
    for (area, (title, lines)) in areas.iter().zip(panels) {
        frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), *area);
    }
    Ok(())
}
