//! The page of the monitor.

use axum::response::Response;
use lab_pages::monitor::{DrawnMonitor, MonitorPage};
use leptos::prelude::*;
use web::{at::At, error_page::ErrorPage, page::Page};

use super::live;
use crate::Lab;

pub(crate) async fn get(At(lab): At<Lab>, page: Page) -> Result<Response, ErrorPage> {
    let monitor = lab.monitor().ok_or_else(ErrorPage::not_found)?;
    let model = DrawnMonitor::of(monitor.report().page());
    let frame = lab.context().frame.clone();
    let show = move || {
        let model = model.clone();
        let frame = frame.clone();
        frame.page(
            "Monitor",
            true,
            view! { <MonitorPage model stream=live::PATH /> },
        )
    };
    Ok(page.show_with_islands(show).await)
}
