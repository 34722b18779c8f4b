//! Robots of several files, with meshes, in URDF; and files that must not end the process.

mod model_support;

use std::path::Path;

use model_support::{Files, close, error, id, load};
use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_model::{MjtGeomBase, MjtObjBase};
use serde_json::json;

/// A cuboid as an OBJ file, from the origin to this corner, m.
fn cuboid([x, y, z]: [f64; 3]) -> String {
    let corners = (0..8).map(|i| [(i & 1) as f64 * x, (i >> 1 & 1) as f64 * y, (i >> 2) as f64 * z]);
    let vertices: String = corners.map(|[x, y, z]| format!("v {x} {y} {z}\n")).collect();
    let faces = "f 1 3 4 2\nf 5 6 8 7\nf 1 2 6 5\nf 3 7 8 4\nf 1 5 7 3\nf 2 4 8 6\n";
    vertices + faces
}

const LEG: &str = r#"
<mujoco>
  <compiler meshdir="../meshes"/>
  <include file="parts/assets.xml"/>
  <worldbody>
    <body name="thigh">
      <joint axis="0 1 0"/>
      <geom name="thigh" type="mesh" mesh="bone" pos="-0.01 -0.01 0"/>
      <body name="shin" pos="0 0 0.2">
        <joint axis="0 1 0"/>
        <geom type="capsule" fromto="0 0 0 0 0 0.2" size="0.01"/>
      </body>
    </body>
  </worldbody>
</mujoco>"#;

fn leg() -> Files {
    let files = Files::with("robot/leg.xml", LEG);
    files.add(
        "robot/parts/assets.xml",
        r#"<mujoco><asset><mesh name="bone" file="bone.obj"/></asset></mujoco>"#,
    );
    files.add("meshes/bone.obj", cuboid([0.02, 0.02, 0.2]));
    files
}

#[test]
fn all_files_of_a_robot_are_copied_in_their_places() {
    let files = leg();
    let robot = files.robot(json!([]));
    let names = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_string();
    let found: Vec<_> = robot.files().iter().map(|path| names(path)).collect();
    assert_eq!(found, ["leg.xml", "assets.xml", "bone.obj"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = robot.copy_files(elsewhere.path()).unwrap();
    assert_eq!(copy, elsewhere.path().join("robot/leg.xml"));
    drop(files);
    let again = load(&copy, json!([]), json!({})).unwrap();
    assert_eq!(again.start_model().body_mass(), robot.start_model().body_mass());
}

/// An included file may say another folder for meshes than the file that includes it, and the one that is said last is right.
#[test]
fn meshes_are_found_whichever_file_says_their_folder() {
    let files = leg();
    files.add(
        "robot/leg.xml",
        LEG.replacen("<compiler meshdir=\"../meshes\"/>", "", 1).replacen(
            "<include file=\"parts/assets.xml\"/>",
            "<include file=\"parts/assets.xml\"/><compiler meshdir=\"../meshes\"/>",
            1,
        ),
    );
    let assets =
        r#"<mujoco><compiler meshdir="elsewhere"/><asset><mesh name="bone" file="bone.obj"/></asset></mujoco>"#;
    files.add("robot/parts/assets.xml", assets);
    let found = files.robot(json!([])).files().len();
    assert_eq!(found, 3, "leg.xml, assets.xml, bone.obj");
}

/// A bone of one mesh: its length is that from its joint to its child's, and its asset is scaled along it.
#[test]
fn a_mesh_is_stretched_by_its_asset() {
    let files = leg();
    let design = json!([{"name": "thigh", "unit": "m", "low": 0.1, "high": 0.4, "edit": ["length(body:thigh)"]}]);
    let robot = files.robot(design.clone());
    assert!(close(robot.space().start()[0], 0.2));
    let model = robot.compile(&[0.3]).unwrap();
    let [thigh, shin] = ["thigh", "shin"].map(|name| id(&model, MjtObjBase::mjOBJ_BODY, name));
    let near = |a: f64, b: f64| (a - b).abs() < 1e-7; // meshes are stored in single precision
    assert!(
        near(model.body_mass()[thigh], 1000.0 * 0.02 * 0.02 * 0.3),
        "{}",
        model.body_mass()[thigh]
    );
    assert!(near(model.body_ipos()[thigh][2], 0.15) && close(model.body_pos()[shin][2], 0.3));
    let shared = LEG.replace(
        r#"<geom type="capsule" fromto="0 0 0 0 0 0.2" size="0.01"/>"#,
        r#"<geom type="mesh" mesh="bone"/>"#,
    );
    files.add("robot/leg.xml", shared);
    let robot = files.robot(design);
    let mass = |length: f64, name: &str| {
        let model = robot.compile(&[length]).unwrap();
        model.body_mass()[id(&model, MjtObjBase::mjOBJ_BODY, name)]
    };
    assert!(
        near(mass(0.3, "thigh"), 1000.0 * 0.02 * 0.02 * 0.3),
        "its own copy is stretched"
    );
    assert!(near(mass(0.3, "shin"), mass(0.2, "shin")), "the shin's bone stays");
    files.add("robot/learnt.xml", robot.xml(&[0.3]).unwrap());
    let again = load(&files.folder().join("robot/learnt.xml"), json!([]), json!({})).unwrap();
    assert_eq!(
        again.start_model().body_mass(),
        robot.compile(&[0.3]).unwrap().body_mass()
    );
    let tilted = LEG.replace(r#"pos="-0.01 -0.01 0"/>"#, r#"euler="0 30 0"/>"#);
    files.add("robot/leg.xml", tilted);
    let text = error(
        &files,
        json!([{"name": "thigh", "low": 0.1, "high": 0.4, "edit": ["length(body:thigh)"]}]),
    );
    assert!(text.contains("geom `thigh`") && text.contains("askew"), "{text}");
}

/// Folders and files with blanks in their names, a folder for meshes that is said from the root, and one above a path that
/// begins with `..`.
#[test]
fn files_are_found_by_odd_paths() {
    let files = leg();
    let odd = LEG.replace("../meshes", "my meshes");
    files.add("an arm/my leg.xml", &odd);
    files.add("an arm/parts/assets.xml", MY_ASSETS);
    files.add("an arm/my meshes/my bone.obj", cuboid([0.02, 0.02, 0.2]));
    let paths = |model: &Path| -> Vec<_> {
        let bundle = tandem_robot::model::bundle(model).unwrap();
        bundle.files.into_iter().map(|(path, _)| path).collect()
    };
    let found = paths(&files.folder().join("an arm/my leg.xml"));
    assert_eq!(
        found,
        ["my leg.xml", "parts/assets.xml", "my meshes/my bone.obj"].map(Path::new)
    );
    let folder = files.folder().join("an arm/my meshes");
    files.add("from/root.xml", odd.replace("my meshes", folder.to_str().unwrap()));
    files.add("from/parts/assets.xml", MY_ASSETS);
    let found = paths(&files.folder().join("from/root.xml"));
    assert_eq!(
        found,
        ["from/root.xml", "from/parts/assets.xml", "an arm/my meshes/my bone.obj"].map(Path::new)
    );
    load(&files.folder().join("from/root.xml"), json!([]), json!({})).unwrap();
    // the included file has the same name, one folder higher
    let above = r#"<mujoco><include file="../leg.xml"/></mujoco>"#;
    files.add("robot/above/leg.xml", above.replace("../leg", "../../leg"));
    files.add("leg.xml", "<mujoco/>");
    std::env::set_current_dir(files.folder().join("meshes")).unwrap();
    assert_eq!(
        paths(Path::new("../robot/above/leg.xml")),
        ["robot/above/leg.xml", "leg.xml"].map(Path::new)
    );
    std::env::set_current_dir("/").unwrap();
}

const MY_ASSETS: &str = r#"<mujoco><asset><mesh name="bone" file="my bone.obj"/></asset></mujoco>"#;

/// MuJoCo goes up a folder by its name, also where that is a link; so are the files found that are stored with a run.
#[test]
#[cfg(unix)]
fn above_a_link_is_what_lies_beside_it() {
    let files = leg();
    let here = files.folder().join("here");
    std::fs::create_dir(&here).unwrap();
    std::os::unix::fs::symlink(files.folder().join("robot"), here.join("robot")).unwrap();
    files.add("here/meshes/bone.obj", cuboid([0.04, 0.02, 0.2]));
    let robot = load(&here.join("robot/leg.xml"), json!([]), json!({})).unwrap();
    assert_eq!(robot.files()[2], here.join("meshes/bone.obj"));
    let mass = robot.start_model().body_mass()[1];
    assert!((mass - 1000.0 * 0.04 * 0.02 * 0.2).abs() < 1e-6, "{mass}");
}

const URDF: &str = r#"<?xml version="1.0"?>
<robot name="arm">
  <link name="base"/>
  <link name="upper">
    <inertial><origin xyz="0 0 0.15"/><mass value="1.5"/><inertia ixx="0.012" ixy="0" ixz="0" iyy="0.012" iyz="0" izz="0.001"/></inertial>
    <collision><origin xyz="0 0 0.15"/><geometry><cylinder radius="0.03" length="0.3"/></geometry></collision>
  </link>
  <link name="lower">
    <inertial><origin xyz="0 0 0.1"/><mass value="1"/><inertia ixx="0.004" ixy="0" ixz="0" iyy="0.004" iyz="0" izz="0.0005"/></inertial>
    <collision><origin xyz="0 0 0.1"/><geometry><cylinder radius="0.02" length="0.2"/></geometry></collision>
  </link>
  <joint name="shoulder" type="revolute"><parent link="base"/><child link="upper"/><axis xyz="0 1 0"/>
    <limit lower="-1" upper="1" effort="10" velocity="5"/></joint>
  <joint name="elbow" type="revolute"><parent link="upper"/><child link="lower"/><origin xyz="0 0 0.3"/><axis xyz="0 1 0"/>
    <limit lower="-2" upper="2" effort="10" velocity="5"/></joint>
</robot>"#;

#[test]
fn a_urdf_is_designed_like_any_robot() {
    let files = Files::with("arm.urdf", URDF);
    let length = json!({"name": "upper", "unit": "m", "low": 0.2, "high": 0.6, "edit": ["length(body:upper)"]});
    let text = error(&files, json!([length]));
    assert!(text.contains("body `upper` says its own inertia"), "{text}");
    let mut length = length;
    length["inertial"] = json!("uniform");
    let robot = files.robot(json!([length]));
    let model = robot.compile(&[0.6]).unwrap();
    let [upper, lower] = ["upper", "lower"].map(|name| id(&model, MjtObjBase::mjOBJ_BODY, name));
    assert!(close(model.body_mass()[upper], 3.0) && close(model.body_ipos()[upper][2], 0.3));
    assert!(close(model.body_pos()[lower][2], 0.6) && close(model.body_mass()[lower], 1.0));
    assert!(close(model.geom_size()[0][1], 0.3));
    // second moments: Szz = 0.0115 grows with the cube of the length, Sxx = Syy = 0.0005 with the length
    let mut inertia = model.body_inertia()[upper];
    inertia.sort_by(f64::total_cmp);
    assert!(
        close(inertia[2], 8.0 * 0.0115 + 2.0 * 0.0005) && close(inertia[0], 4.0 * 0.0005),
        "{inertia:?}"
    );
    let written = Files::with("arm.xml", &robot.xml(&[0.6]).unwrap()).robot(json!([]));
    assert_eq!(written.start_model().body_mass(), model.body_mass());
    let broken = Files::with(
        "arm.urdf",
        &URDF.replace("<child link=\"lower\"/>", "<child link=\"lewer\"/>"),
    );
    let text = error(&broken, json!([]));
    assert!(text.contains("arm.urdf") && text.contains("line 14"), "{text}");
}

#[test]
fn attached_robots_are_compiled_by_many_threads() {
    let scene = r#"
<mujoco>
  <asset><model name="leg" file="leg.xml"/></asset>
  <worldbody><frame pos="0 0 1"><attach model="leg" body="leg" prefix="left_"/></frame></worldbody>
</mujoco>"#;
    let leg = r#"
<mujoco>
  <worldbody><body name="leg"><joint axis="0 1 0"/><geom type="capsule" fromto="0 0 0 0 0 -0.4" size="0.02"/></body></worldbody>
</mujoco>"#;
    let files = Files::with("scene.xml", scene);
    files.add("leg.xml", leg);
    let design = json!([{"name": "leg", "low": 0.1, "high": 0.8, "edit": ["length(body:*leg)"]}]);
    let robot = files.robot(design);
    assert_eq!(robot.files().len(), 2);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let robot = &robot;
            scope.spawn(move || {
                for i in 0..20 {
                    let length = 0.1 + 0.005 * (thread * 20 + i) as f64;
                    assert!(close(robot.compile(&[length]).unwrap().geom_size()[0][1], 0.5 * length));
                }
            });
        }
    });
}

#[test]
fn files_that_ask_for_too_much_are_refused() {
    let refused = |inside: &str| {
        error(
            &Files::with("robot.xml", &format!("<mujoco>{inside}</mujoco>")),
            json!([]),
        )
    };
    let text = refused(r#"<asset><hfield name="h" nrow="2147483647" ncol="4" size="1 1 1 1"/></asset>"#);
    assert!(text.contains("`nrow` of a `<hfield>`"), "{text}");
    let nested = r#"<replicate count="9000"><replicate count="9000"><geom size="1"/></replicate></replicate>"#;
    assert!(refused(&format!("<worldbody>{nested}</worldbody>")).contains("copies of copies"));
    let inside = |file: &str, outer: &str, inner: &str| {
        let files = Files::with("robot.xml", &format!("<mujoco>{outer}</mujoco>"));
        files.add(file, format!("<mujoco>{inner}</mujoco>"));
        error(&files, json!([]))
    };
    let include = r#"<worldbody><replicate count="9000"><include file="part.xml"/></replicate></worldbody>"#;
    let part = r#"<replicate count="9000"><geom size="1"/></replicate>"#;
    assert!(inside("part.xml", include, part).contains("copies of copies"));
    let attach = r#"<asset><model name="part" file="part.xml"/></asset>
        <worldbody><replicate count="9000"><attach model="part" body="b" prefix="p"/></replicate></worldbody>"#;
    let part = format!(r#"<worldbody><body name="b">{part}</body></worldbody>"#);
    assert!(inside("part.xml", attach, &part).contains("copies of copies"));
    assert!(refused(r#"<size memory="900G"/>"#).contains("memory"));
    assert!(refused(r#"<size nuserdata="2000000000"/>"#).contains("nuserdata"));
    assert!(refused("<worldbody><body>").contains("robot.xml"));
    assert!(refused(r#"<include file="robot.xml"/>"#).contains("robot.xml"));
    let itself = r#"<asset><model name="r" file="NAME.xml"/></asset>
        <worldbody><body name="b"/><attach model="r" body="b" prefix="x"/></worldbody>"#;
    assert!(refused(&itself.replace("NAME", "robot")).contains("robot.xml is attached to itself"));
    let (other, back) = (itself.replace("NAME", "part"), itself.replace("NAME", "robot"));
    assert!(inside("part.xml", &other, &back).contains("robot.xml is attached to itself"));
    let binary = Files::with("robot.xml", r#"<mujoco><include file="part.xml"/></mujoco>"#);
    binary.add("part.xml", [0, 1, 2]);
    assert!(error(&binary, json!([])).contains("part.xml: is no text"));
    let deep = "<body>".repeat(5000) + &"</body>".repeat(5000);
    assert!(refused(&format!("<worldbody>{deep}</worldbody>")).contains("robot.xml"));
    assert!(error(&Files::with("robot.txt", "<mujoco/>"), json!([])).contains(".urdf"));
    assert!(error(&Files::with("robot.xml", ""), json!([])).starts_with("`model`"));
    let missing = load(Path::new("no/such/robot.xml"), json!([]), json!({}))
        .err()
        .unwrap()
        .to_string();
    assert!(
        missing.contains("no/such/robot.xml: there is no such file"),
        "{missing}"
    );
}

/// What MuJoCo refuses is told in its own words, which name the line.
#[test]
fn mujocos_own_words_are_passed_on() {
    let text = error(
        &Files::with(
            "robot.xml",
            "<mujoco>\n<worldbody>\n<geom size=\"a\"/>\n</worldbody></mujoco>",
        ),
        json!([]),
    );
    assert!(text.contains("line 3") && !text.contains('\n'), "{text}");
}

/// MuJoCo's copy of a file leaves out what it cannot resolve; a motor, sensor or loop must not vanish so.
#[test]
fn parts_that_name_what_does_not_exist_are_refused() {
    let refused = |inside: &str| {
        let leg = r#"<worldbody><body name="leg"><joint name="hip"/><geom size="0.1"/></body></worldbody>"#;
        error(
            &Files::with("robot.xml", &format!("<mujoco>\n{leg}\n{inside}\n</mujoco>")),
            json!([]),
        )
    };
    for inside in [
        r#"<actuator><motor joint="hpi"/></actuator>"#,
        r#"<sensor><jointpos joint="hpi"/></sensor>"#,
        r#"<tendon><fixed><joint joint="hpi" coef="1"/></fixed></tendon>"#,
        r#"<equality><weld body1="hpi"/></equality>"#,
        r#"<contact><exclude body1="leg" body2="hpi"/></contact>"#,
    ] {
        let text = refused(inside);
        assert!(text.contains("hpi") && text.contains("line 3"), "{text}");
    }
}

/// Shells that are only looked at are most of a model; what moves goes without them, and moves alike to the last bit.
#[test]
fn meshes_that_are_only_seen_are_left_out_of_what_moves() {
    let text = r#"<mujoco><asset><mesh name="shell" file="shell.obj"/></asset><worldbody>
        <geom type="plane" size="1 1 1"/>
        <body name="torso" pos="0 0 0.4"><freejoint/>
          <inertial pos="0 0 0" mass="2" diaginertia="0.02 0.02 0.01"/>
          <geom type="mesh" mesh="shell" contype="0" conaffinity="0" euler="0 20 0"/>
          <geom name="core" type="box" size="0.1 0.1 0.05"/>
          <body name="leg" pos="0.1 0 0"><joint name="hip" axis="0 1 0"/>
            <geom name="leg" type="capsule" fromto="0 0 0 0 0 -0.2" size="0.02"/>
            <geom name="shin" type="mesh" mesh="shell" contype="0" conaffinity="0" mass="0"/>
            <geom type="mesh" mesh="shell" contype="0" conaffinity="0" density="500"/></body>
        </body></worldbody></mujoco>"#;
    let files = Files::with("robot.xml", text);
    files.add("shell.obj", cuboid([0.2, 0.1, 0.3]));
    let robot =
        files.robot(json!([{"name": "leg", "low": 0.1, "high": 0.3, "edit": ["geom:leg.size[0]"], "start": 0.2}]));
    let (bare, full) = (robot.compile(&[0.2]).unwrap(), robot.pictured(&[0.2]).unwrap().unwrap());
    let meshes = |model: &MjModel| {
        let all = model.geom_type().iter();
        all.filter(|&&kind| kind == MjtGeomBase::mjGEOM_MESH).count()
    };
    // one has a name that a term may ask for, and one has mass
    assert_eq!((meshes(&bare), meshes(&full)), (2, 3));
    let moved = |model| {
        let mut simulation = tandem_robot::Simulation::new(model).unwrap();
        simulation.data_mut().qvel_mut()[4] = 3.0;
        (0..300).for_each(|_| simulation.step().unwrap());
        (simulation.data().qpos().to_vec(), simulation.data().ncon())
    };
    assert_eq!(moved(bare), moved(full));
}
