//! What cannot be designed is refused, with the setting to blame, the reason and the nearest name.

mod model_support;

use model_support::{Files, close, error};
use serde_json::json;

const ROBOT: &str = r#"
<mujoco>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 1"/>
    <body name="torso" pos="0 0 1">
      <freejoint/>
      <geom name="torso" type="box" size="0.2 0.1 0.05"/>
      <body name="thigh">
        <joint name="hip" axis="0 1 0"/>
        <geom name="thigh" type="capsule" fromto="0 0 0 0 0 -0.4" size="0.05"/>
        <body name="shin" pos="0 0 -0.4">
          <joint name="knee" axis="0 1 0"/>
          <inertial pos="0 0 -0.2" mass="2" diaginertia="0.03 0.02 0.01"/>
          <geom name="shin" type="capsule" fromto="0 0 0 0 0 -0.4" size="0.04"/>
        </body>
      </body>
      <body name="head" pos="0.3 0 0"><geom name="head" size="0.1"/></body>
      <body name="tail" pos="-0.2 0 0">
        <geom type="capsule" fromto="0 0 0 -0.2 0 0" size="0.02"/>
        <geom name="tag" type="box" size="0.02 0.03 0.04" euler="10 20 30"/>
      </body>
    </body>
  </worldbody>
  <actuator><motor name="hip" joint="hip"/><position name="knee" joint="knee"/></actuator>
</mujoco>"#;

/// The message for one parameter with these edits.
fn refusal(edit: serde_json::Value) -> String {
    let files = Files::with("robot.xml", ROBOT);
    error(&files, json!([{"name": "p", "low": 0.1, "high": 2, "edit": edit}]))
}

#[test]
fn names_that_do_not_exist() {
    let text = refusal(json!(["length(body:thihg)"]));
    assert!(
        text.starts_with("`design[0].edit[0]`: there is no body `thihg`; did you mean `thigh`?"),
        "{text}"
    );
    let text = refusal(json!(["geom:thigh.siez[0]"]));
    assert!(
        text.contains("there is no field `siez`; did you mean `size`?"),
        "{text}"
    );
    let text = refusal(json!(["length(body:thigh)", "geom:shim.size[0]"]));
    assert!(
        text.starts_with("`design[0].edit[1]`: there is no geom `shim`; did you mean `shin`?"),
        "{text}"
    );
    let text = refusal(json!(["geom:thigh.size[3]"]));
    assert!(text.contains("`size` has 3 numbers, [0] to [2], and no [3]"), "{text}");
    let text = refusal(json!(["geom:thigh.size"]));
    assert!(text.contains("say which"), "{text}");
    let text = refusal(json!(["geom thigh"]));
    assert!(text.contains("column 1"), "{text}");
    let text = refusal(json!([]));
    assert!(text.starts_with("`design[0].edit`"), "{text}");
}

#[test]
fn shapes_that_cannot_be_stretched() {
    let text = refusal(json!(["length(body:head)"]));
    assert!(
        text.contains("body `head` has no capsule") && text.contains("use `scale`"),
        "{text}"
    );
    let text = refusal(json!(["length(body:tail)"]));
    assert!(text.contains("geom `tag`") && text.contains("askew"), "{text}");
    let text = refusal(json!(["length(body:world)"]));
    assert!(text.contains("there is no body `world`"), "{text}");
    let text = refusal(json!(["length(geom:floor)"]));
    assert!(text.contains("the world"), "{text}");
}

/// The law of a uniform body: mass in proportion to length, the second moment along the axis with its cube.
#[test]
fn an_explicit_inertia_needs_a_law() {
    let text = refusal(json!(["length(body:shin)"]));
    assert!(
        text.contains("body `shin` says its own inertia") && text.contains("uniform"),
        "{text}"
    );
    let files = Files::with("robot.xml", ROBOT);
    let length = json!({"name": "l", "low": 0.1, "high": 2, "edit": ["length(body:shin)"], "inertial": "uniform"});
    let model = files.robot(json!([length])).compile(&[0.8]).unwrap();
    let shin = model_support::id(&model, mujoco_rs::wrappers::mj_model::MjtObjBase::mjOBJ_BODY, "shin");
    assert!(close(model.body_mass()[shin], 4.0) && close(model.body_ipos()[shin][2], -0.4));
    // second moments of the file: Sxx = (0.02 + 0.01 - 0.03) / 2 = 0, Syy = 0.01, Szz = 0.02; then 2 Syy, 2 * 4 Szz
    let (xx, yy, zz) = (0.0, 0.02, 0.16);
    let (inertia, expected) = (model.body_inertia()[shin], [yy + zz, xx + zz, xx + yy]);
    for (a, b) in inertia.iter().zip(expected) {
        assert!(close(*a, b), "{inertia:?}");
    }
}

#[test]
fn edits_that_change_nothing_or_the_same_twice() {
    let text = refusal(json!(["geom:thigh.pos[0]"]));
    assert!(
        text.contains("the file says 0") || text.contains("changes nothing"),
        "{text}"
    );
    let files = Files::with("robot.xml", ROBOT);
    let pos = json!([{"name": "p", "low": -1, "high": 1, "edit": ["body:thigh.pos[0]", "geom:thigh.margin"]}]);
    assert!(files.load(pos, json!({})).is_ok());
    let shown = json!([{"name": "p", "low": 0, "high": 2, "start": 1, "edit": ["geom:shin.density"]}]);
    let text = error(&files, shown);
    assert!(text.contains("`design[0].edit[0]`: it changes nothing"), "{text}");
    let twice = json!([
        {"name": "a", "low": 0.1, "high": 2, "edit": ["length(body:thigh)"]},
        {"name": "b", "low": 0.5, "high": 2, "edit": ["scale(body:t*h)"]}
    ]);
    let text = error(&files, twice);
    assert!(
        text.contains("`design[1].edit[0]`") && text.contains("`design[0].edit[0]`"),
        "{text}"
    );
    let moved = json!([
        {"name": "a", "low": 0.1, "high": 2, "edit": ["length(body:thigh)"]},
        {"name": "b", "low": -1, "high": 2, "edit": ["body:shin.pos[2]"]}
    ]);
    let text = error(&files, moved);
    assert!(text.contains("changes already"), "{text}");
    let same = json!({"name": "a", "low": 0.01, "high": 2, "edit": ["geom:thigh.size[0]"]});
    assert!(error(&files, json!([same, same])).contains("two parameters `a`"));
}

#[test]
fn starts_and_bounds() {
    let files = Files::with("robot.xml", ROBOT);
    let one = |low: f64, high: f64, start: serde_json::Value| json!([{"name": "p", "low": low, "high": high, "start": start, "edit": ["length(body:thigh)"]}]);
    let text = error(&files, one(0.5, 1.0, json!(null)));
    assert!(
        text.starts_with("`design[0]`: the file says 0.4, which is not between 0.5 and 1"),
        "{text}"
    );
    assert!(error(&files, one(0.5, 1.0, json!(2))).contains("start (2) must lie between"));
    assert!(error(&files, one(1.0, 0.5, json!(0.7))).contains("must be below high"));
    assert!(error(&files, one(-1.0, 0.5, json!(0.4))).contains("`design[0].low`"));
    let robot = files.robot(one(0.1, 1.0, json!(null)));
    assert!(robot.compile(&[2.0]).is_err() && robot.compile(&[]).is_err() && robot.compile(&[f64::NAN]).is_err());
    let zero = json!([{"name": "r", "low": -0.1, "high": 0.1, "edit": ["geom:thigh.size[0]"]}]);
    let text = files.robot(zero).survey(0, 2).unwrap_err().to_string();
    assert!(text.contains("all lower bounds") && text.contains("size"), "{text}");
}

#[test]
fn motors_that_are_none() {
    let files = Files::with("robot.xml", ROBOT);
    let motors = |motor: serde_json::Value| {
        let loaded = files.load(json!([]), json!({"motors": [motor]}));
        tandem_core::check::SettingError::from(loaded.err().unwrap()).to_string()
    };
    let text = motors(json!({"actuator": "knee", "no_load_speed": 10}));
    assert!(
        text.contains("`motors[0].actuator`: actuator `knee` is no motor"),
        "{text}"
    );
    assert!(motors(json!({"actuator": "hpi", "no_load_speed": 10})).contains("did you mean `hip`?"));
    assert!(motors(json!({"actuator": "hip", "no_load_speed": 0})).contains("`motors[0].no_load_speed`"));
}

#[test]
fn loops_and_tendons_survive_or_are_refused() {
    let linkage = |ties: &str| {
        Files::with(
            "robot.xml",
            &ROBOT.replace("<actuator>", &format!("{ties}<actuator>")).replace(
                r#"<body name="head" pos="0.3 0 0">"#,
                r#"<site name="hook" pos="0 0 -0.1"/><body name="head" pos="0.3 0 0">"#,
            ),
        )
    };
    let length = json!([{"name": "thigh", "low": 0.2, "high": 0.6, "edit": ["length(body:thigh)"]}]);
    let connect = r#"<equality><connect name="loop" body1="torso" body2="shin" anchor="0 0 -0.5"/></equality>"#;
    let text = linkage(connect)
        .robot(length.clone())
        .survey(0, 0)
        .unwrap_err()
        .to_string();
    assert!(text.contains("equality loop no longer closes"), "{text}");
    let harmless = connect.replace("shin", "head");
    assert!(linkage(&harmless).robot(length.clone()).survey(0, 0).is_ok());
    let rope = r#"<tendon><spatial name="rope" range="0 1" limited="true"><site site="hook"/><site site="foot"/></spatial></tendon>"#;
    let foot = |files: &Files| {
        let text = std::fs::read_to_string(files.folder().join("robot.xml")).unwrap();
        files.add(
            "robot.xml",
            text.replace(
                r#"<joint name="knee""#,
                r#"<site name="foot" pos="0 0 -0.4"/><joint name="knee""#,
            ),
        );
    };
    let files = linkage(rope);
    foot(&files);
    let text = files.robot(length.clone()).survey(0, 0).unwrap_err().to_string();
    assert!(
        text.contains("tendon rope") && text.contains("tendon:rope.range[1]"),
        "{text}"
    );
    let sprung = |spring: &str| {
        let files = linkage(&rope.replace(r#"range="0 1" limited="true""#, spring));
        foot(&files);
        files.robot(length.clone()).survey(0, 0)
    };
    assert!(sprung("").is_ok());
    assert!(sprung(r#"stiffness="10""#).is_ok(), "its spring rests at its length");
    for rest in ["0", "0.2", "0.1 0.4"] {
        let text = sprung(&format!(r#"stiffness="10" springlength="{rest}""#)).unwrap_err();
        assert!(text.to_string().contains("tendon:rope.springlength"), "{text}");
    }
}

/// A loop of four bars of which the two sides are lengthened together stays closed.
#[test]
fn a_loop_whose_sides_are_designed_together_stays_closed() {
    let text = r#"
<mujoco>
  <worldbody>
    <body name="left"><joint axis="0 1 0"/><geom type="capsule" fromto="0 0 0 0 0 0.3" size="0.02"/>
      <body name="top" pos="0 0 0.3"><joint axis="0 1 0"/><geom type="capsule" fromto="0 0 0 0.4 0 0" size="0.02"/></body>
    </body>
    <body name="right" pos="0.4 0 0"><joint axis="0 1 0"/><geom type="capsule" fromto="0 0 0 0 0 0.3" size="0.02"/></body>
  </worldbody>
  <equality><connect name="corner" body1="right" body2="top" anchor="0 0 0.3"/></equality>
</mujoco>"#;
    let files = Files::with("bars.xml", text);
    let both = json!([{"name": "l", "low": 0.2, "high": 0.5, "edit": ["length(body:left)", "length(body:right)"]}]);
    let robot = files.robot(both);
    let model = robot.compile(&[0.5]).unwrap();
    assert!(close(model.eq_data()[0][2], 0.5) && close(model.eq_data()[0][3], 0.4));
    let left = json!([{"name": "l", "low": 0.2, "high": 0.5, "edit": ["length(body:left)"]}]);
    assert!(files.robot(left).compile(&[0.5]).is_err());
}
