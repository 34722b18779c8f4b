use super::*;

fn film(moments: usize) -> Film {
    let scene = |i: usize| {
        let tip = [0.01 * i as f32, 1.0, 0.0];
        let arm = Shape::Capsule {
            a: [0.0; 3],
            b: tip,
            radius: 0.05,
        };
        let mut shapes = vec![(Role::Link, arm)];
        if (3..6).contains(&i) {
            shapes.push((
                Role::Contact,
                Shape::Sphere {
                    center: tip,
                    radius: 0.01,
                },
            ));
        }
        let view = View::Plane {
            min: [-2.0; 2],
            max: [2.0; 2],
        };
        Scene {
            view,
            shapes,
            caption: format!("part {}", i / 4),
        }
    };
    Film {
        title: "t".into(),
        outcome: "solved".into(),
        scenes: (0..moments).map(scene).collect(),
    }
}

fn episodes(count: usize, moments: usize) -> Vec<Episode> {
    let episode = |i| Episode {
        label: format!("episode {i}"),
        films: vec![film(moments)],
    };
    (0..count).map(episode).collect()
}

#[test]
fn shapes_are_followed_and_known_only_while_they_are_there() {
    let replay = replay(&episodes(1, 8), 0.05, MOST).unwrap();
    let data: serde_json::Value = serde_json::from_str(&replay.data).unwrap();
    let film = &data["episodes"][0]["films"][0];
    assert_eq!(film["frames"], 8);
    assert_eq!(film["captions"], serde_json::json!([[0, "part 0"], [4, "part 1"]]));
    let tracks = film["tracks"].as_array().unwrap();
    assert_eq!(tracks[0]["there"], serde_json::json!([[0, 8]]));
    assert_eq!(
        tracks[0]["stream"]["moving"],
        serde_json::json!([3]),
        "only the tip's x changes"
    );
    assert_eq!(tracks[1]["there"], serde_json::json!([[3, 6]]));
}

#[test]
fn what_is_too_long_is_thinned_and_then_shortened() {
    let all = replay(&episodes(3, 4000), 0.05, MOST).unwrap();
    assert_eq!((all.stride, all.episodes), (1, 3));
    let thinned = replay(&episodes(3, 4000), 0.05, all.data.len() / 2).unwrap();
    assert!(thinned.stride > 1 && thinned.data.len() <= all.data.len() / 2);
    // less and less room, until nothing fits: before that one episode is left
    let mut kept = Vec::new();
    let mut most = all.data.len();
    while let Some(found) = replay(&episodes(3, 4000), 0.05, most) {
        assert!(found.data.len() <= most);
        kept.push(found.episodes);
        most = most * 3 / 4;
    }
    assert_eq!((kept.first(), kept.last()), (Some(&3), Some(&1)));
    assert!(replay(&episodes(1, 4000), 0.05, 10).is_none());
}

#[test]
fn numbers_that_are_none_are_left_out() {
    let mut broken = film(2);
    broken.scenes[1].shapes[0].1 = Shape::Sphere {
        center: [f32::NAN; 3],
        radius: 1.0,
    };
    let episodes = [Episode {
        label: String::new(),
        films: vec![broken],
    }];
    let replay = replay(&episodes, 0.1, MOST).unwrap();
    let data: serde_json::Value = serde_json::from_str(&replay.data).unwrap();
    assert_eq!(data["episodes"][0]["films"][0]["tracks"].as_array().unwrap().len(), 1);
}
