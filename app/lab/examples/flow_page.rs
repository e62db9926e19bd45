//! Prints the page of a recorded handoff as one HTML document, to look at without a server.
//!
//! `cargo run -p lab_pages --features ssr --example flow_page -- steps.json style.css > page.html`, where
//! the steps are a list of events as JSON.

use std::{env, error::Error, fs};

use handoff::{flow::Event, ids::ClientId};
use lab_pages::{
    diagram::{AppName, Missing, Names},
    flow::{Flow, FlowPage},
};
use leptos::prelude::*;
use ui::{
    components::{icon::AppIcon, moment::Moment, moment::Past},
    shell::{Assets, Brand, Frame, Party},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(steps), Some(stylesheet)) = (arguments.next(), arguments.next()) else {
        return Err("say where the steps and the style sheet are".into());
    };
    let events: Vec<Event> = serde_json::from_str(&fs::read_to_string(steps)?)?;
    let stylesheet = fs::read_to_string(stylesheet)?;
    let model = Flow {
        id: "4be1c7d0a92f4e558f1f6a53b2c07d91".to_owned(),
        events,
        missing: Missing::default(),
        names: Names {
            authority: "Harbor ID".to_owned(),
            apps: vec![AppName {
                client: ClientId::parse("notes")?,
                name: "Notes".to_owned(),
                icon: AppIcon::Page,
            }],
        },
        began: Past {
            at: Moment {
                for_people: "25 November 2026, 21:10 UTC".to_owned(),
                for_programs: "2026-11-25T21:10:00Z".to_owned(),
            },
            ago: "2 minutes ago".to_owned(),
        },
        stream: None,
        address: "http://lab.localhost:4000/flows/4be1c7d0a92f4e558f1f6a53b2c07d91".to_owned(),
    };
    let frame = Frame {
        places: Vec::new(),
        brand: Brand {
            name: "Handoff Lab".to_owned(),
            party: Party::Lab,
        },
        assets: Assets::default(),
    };
    let page = move || frame.page("A handoff", false, view! { <FlowPage model /> });
    let html = Owner::new().with(|| page().to_html());
    let link = "<link rel=\"stylesheet\" href=\"/assets/style.css\">";
    println!(
        "{}",
        html.replace(link, &format!("<style>{stylesheet}</style>"))
    );
    Ok(())
}
