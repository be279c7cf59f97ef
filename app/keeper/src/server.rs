//! Metrics and health over HTTP, for this machine alone.

use crate::health::Health;
use crate::metrics::Metrics;
use anyhow::{Context, Result};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What is served.
#[derive(Clone)]
pub struct Board {
    /// Counts.
    pub metrics: Arc<Metrics>,
    health: Arc<Mutex<Option<(Health, std::time::Instant)>>>,
}

/// A keeper that has not said for so long how it stands is stuck.
const STUCK: Duration = Duration::from_secs(30);

impl Board {
    /// With these counts, before the first look.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, health: Arc::default() }
    }

    /// Says how the keeper stands.
    pub fn set_health(&self, health: Health) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = Some((health, std::time::Instant::now()));
    }

    fn answer(&self) -> (StatusCode, Json<serde_json::Value>) {
        let known = self.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let unwell =
            |why: String| (StatusCode::SERVICE_UNAVAILABLE, Json(serde_json::json!({ "healthy": false, "why": [why] })));
        match known {
            None => unwell("the keeper has not looked at the chain yet".to_owned()),
            Some((_, since)) if since.elapsed() > STUCK => {
                unwell(format!("the keeper has been stuck for {} s", since.elapsed().as_secs()))
            }
            Some((health, _)) => {
                let status = if health.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                (status, Json(serde_json::json!(health)))
            }
        }
    }
}

async fn metrics(State(board): State<Board>) -> impl IntoResponse {
    match board.metrics.text() {
        Ok(text) => (StatusCode::OK, [(CONTENT_TYPE, "text/plain; version=0.0.4")], text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "text/plain")], error.to_string()),
    }
}

async fn health(State(board): State<Board>) -> impl IntoResponse {
    board.answer()
}

/// A server on a thread of its own, until it is dropped.
pub struct Server {
    /// Where it listens: with the port that it was given where none was asked for.
    pub address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `/metrics` and `/health` there; that it is a loopback address `Config::validate` has checked.
    ///
    /// # Errors
    /// Where the address cannot be had.
    pub fn start(address: SocketAddr, board: Board) -> Result<Self> {
        let listener = TcpListener::bind(address).with_context(|| format!("metrics cannot be served on {address}"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let routes = Router::new().route("/metrics", get(metrics)).route("/health", get(health)).with_state(board);
        let thread = thread::spawn(move || {
            let serving = async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                let until = async { drop(stopped.await) };
                tokio::select! {
                    served = axum::serve(listener, routes) => served,
                    () = until => Ok(()),
                }
            };
            if let Err(error) = runtime.block_on(serving) {
                tracing::error!(%address, %error, "metrics are not served any more");
            }
        });
        tracing::info!(%address, "serving /metrics and /health");
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(address: SocketAddr, path: &str) -> (u16, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let answer = reqwest::get(format!("http://{address}{path}")).await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.expect("a body"))
        })
    }

    #[test]
    fn metrics_are_text_and_health_is_a_status_with_its_reasons() {
        let board = Board::new(Arc::new(Metrics::new().expect("metrics")));
        let server = Server::start("127.0.0.1:0".parse().expect("an address"), board.clone()).expect("a free port");
        let (status, text) = get(server.address, "/metrics");
        assert_eq!(status, 200);
        assert!(text.contains("# TYPE perps_keeper_ticks_total counter"), "{text}");

        let (status, body) = get(server.address, "/health");
        assert_eq!((status, body.contains("has not looked")), (503, true), "{body}");
        let mut health = Health {
            healthy: false,
            why: vec!["the websocket is not connected".to_owned()],
            live: false,
            slot: 7,
            update_age_seconds: Some(1),
            resync_age_seconds: None,
            in_flight: 0,
            balance_lamports: None,
            prices: vec![],
        };
        board.set_health(health.clone());
        let (status, body) = get(server.address, "/health");
        assert_eq!((status, body.contains("the websocket is not connected")), (503, true), "{body}");
        (health.healthy, health.why) = (true, vec![]);
        board.set_health(health);
        let (status, body) = get(server.address, "/health");
        assert_eq!((status, body.contains("\"slot\":7")), (200, true), "{body}");
    }
}
