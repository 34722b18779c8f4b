"""Plays a robot that Tandem has exported with its policy in MuJoCo: successes, or how long episodes last where the task has none.

    pip install mujoco numpy onnxruntime
    python play.py --episodes 100
    python play.py --viewer

Commands are drawn once for an episode; pushes, delays, other masses and the terminations that are not below are left out.
"""

import math
import sys
from fnmatch import fnmatchcase

import mujoco
import numpy as np

from formula import value
from player import Player, play

JOINTS = mujoco.mjtJoint
FREE, BALL, SLIDE, HINGE = map(int, (JOINTS.mjJNT_FREE, JOINTS.mjJNT_BALL, JOINTS.mjJNT_SLIDE, JOINTS.mjJNT_HINGE))
COORDINATES = {FREE: 7, BALL: 4, HINGE: 1, SLIDE: 1}
VELOCITIES = {FREE: 6, BALL: 3, HINGE: 1, SLIDE: 1}


class Robot(Player):
    """A robot, its task's terms, and what it is told to do."""

    def __init__(self, mjcf, policy):
        super().__init__(mjcf, policy)
        self.commands, self.last = [], np.zeros(len(self.policy.command))
        known = {"observation": OBSERVATIONS, "action": ACTIONS, "success": SUCCESSES, "command": ("velocity", "position")}
        for part, names in known.items():
            for term in self.terms(part):
                if not term.get("expression") and term["term"] not in names:
                    sys.exit(f"play.py does not know the {part} term {term['term']}")

    def terms(self, part, name=None):
        """The task's terms of a kind, those of this name where one is given."""
        terms = self.task.get(part) or []
        terms = [terms] if isinstance(terms, dict) else terms
        return [{"params": {}} | term for term in terms if name in (None, term.get("term"))]

    def key(self):
        """The key frame in which episodes begin, if it is one."""
        keys = [event["params"].get("key", "home") for event in self.terms("events", "reset_to_keyframe")]
        return self.model.key(keys[-1]).id if keys else None

    def pose(self):
        """The pose from which joints are counted."""
        return self.model.qpos0 if self.key() is None else self.model.key_qpos[self.key()]

    def reset(self, rng):
        self.rest()
        for event in self.terms("events"):
            draw = {"reset_joints_uniform": rng.uniform, "reset_joints_normal": lambda low, high: high * rng.normal()}
            if event["term"] in draw:
                self.add_noise(event["params"], draw[event["term"]])
        self.commands = [(term, self.drawn(term, rng)) for term in self.terms("command")]
        self.begin()

    def rest(self):
        if self.key() is None:
            mujoco.mj_resetData(self.model, self.data)
        else:
            mujoco.mj_resetDataKeyframe(self.model, self.data, self.key())

    def begin(self):
        """From the state that MuJoCo is in now."""
        self.steps = self.held = 0
        self.tracked, self.last = 0.0, np.zeros(len(self.policy.command))
        mujoco.mj_forward(self.model, self.data)
        mujoco.mj_rnePostConstraint(self.model, self.data)

    def add_noise(self, params, draw):
        for joint in self.joints(params, every=True):
            kind = self.model.jnt_type[joint]
            for name, values, first, count in (
                ("position", self.data.qpos, self.model.jnt_qposadr[joint], COORDINATES[kind]),
                ("velocity", self.data.qvel, self.model.jnt_dofadr[joint], VELOCITIES[kind]),
            ):
                size = params.get(name, 0)
                low, high = size if isinstance(size, list) else (0, size)
                for i in range(first, first + count):
                    values[i] += draw(low, high)

    def drawn(self, term, rng):
        """What the robot is told in an episode."""
        params = term["params"]
        if term["term"] == "velocity":
            stands = rng.random() < params.get("standing", 0)
            ranges = [params.get("lin_vel_x", [-1, 1]), params.get("lin_vel_y", [0, 0]), params.get("ang_vel_z", [0, 0])]
            return np.zeros(3) if stands else np.array([rng.uniform(*ends) for ends in ranges])
        place = {"disc": around, "shell": around}.get(params.get("shape"), in_box)(params, rng)
        if params.get("body"):
            self.data.mocap_pos[self.model.body_mocapid[self.model.body(params["body"]).id]] = place
        return place

    def observe(self):
        seen = []
        for term in self.terms("observation"):
            numbers = (term.get("scale") or 1) * self.numbers(term)
            seen.extend(np.clip(numbers, *(term.get("clip") or (-math.inf, math.inf))))
        return seen

    def numbers(self, term):
        """What an observation term or a formula amounts to."""
        if term.get("expression"):
            return np.array([self.formula(term)])
        return np.ravel(OBSERVATIONS[term["term"]](self, term.get("params") or {}))

    def formula(self, term):
        """The value of a formula over numbers of observation terms."""
        chosen = {name: (self.numbers(variable), variable.get("index") or 0) for name, variable in term["variables"].items()}
        return value(term["expression"], {name: numbers[index] for name, (numbers, index) in chosen.items()})

    def act(self, command):
        self.last, used = np.clip(command, -1, 1).astype(float), 0
        for term in self.terms("action"):
            for actuator in self.actuators(term):
                number = (term.get("scale") or 1) * self.last[used]
                self.data.ctrl[actuator] = ACTIONS[term["term"]](self, actuator, number, term["params"])
                used += 1
        mujoco.mj_step(self.model, self.data, self.substeps)
        mujoco.mj_rnePostConstraint(self.model, self.data)

    def is_good(self):
        success = self.terms("success")
        if success and success[0].get("expression"):
            return self.formula(success[0]) > 0
        return bool(success) and SUCCESSES[success[0]["term"]](self, success[0]["params"])

    def succeeds(self):
        success = self.terms("success")
        if not success or success[0].get("term") == "survives":
            return self.steps >= self.policy.horizon
        return self.held >= success[0]["params"].get("hold", 1)

    def is_over(self):
        return any(self.ends_by(term) for term in self.terms("termination"))

    def ends_by(self, term):
        """Whether a term of the termination ends the episode; a formula does so above 0, and where it is no number."""
        if term.get("expression"):
            return not self.formula(term) <= 0
        return term["term"] in ENDS and ENDS[term["term"]](self, term["params"])

    def matching(self, params, key, count, name):
        """Numbers of the parts whose names fit the patterns of a parameter, pattern by pattern, each once."""
        patterns = params.get(key, "*")
        patterns = [patterns] if isinstance(patterns, str) else patterns
        found = [i for pattern in patterns for i in range(count) if fnmatchcase(name(i), pattern)]
        return list(dict.fromkeys(found))

    def joints(self, params, every=False):
        """Joints that fit; hinges and slides only, where not `every` kind is meant."""
        found = self.matching(params, "joints", self.model.njnt, lambda i: self.model.joint(i).name)
        return [i for i in found if every or self.model.jnt_type[i] in (HINGE, SLIDE)]

    def actuators(self, term):
        """Actuators that a term of actions moves."""
        kinds = {"joint_effort": (0, 1), "tendon_effort": (3,)}.get(term["term"], range(10))
        name = lambda i: self.model.actuator(i).name or self.model.joint(self.model.actuator_trnid[i, 0]).name
        found = self.matching(term["params"], "actuators", self.model.nu, name)
        return [i for i in found if self.model.actuator_trntype[i] in kinds]

    def body(self, params):
        """The body that a parameter names, or the root."""
        if params.get("body"):
            return self.model.body(params["body"]).id
        jointed = [i for i in range(1, self.model.nbody) if self.model.body_jntnum[i]]
        kind = lambda body: self.model.jnt_type[self.model.body_jntadr[body]]
        free = [i for i in jointed if kind(i) == FREE]
        planar = [i for i in jointed if self.model.body_parentid[i] == 0]
        return (free + planar + [1])[0]

    def frame(self, body):
        """Axes of a body as rows."""
        return self.data.xmat[body].reshape(3, 3).T

    def velocity(self, body):
        """Angular and linear velocity of a body in its own frame."""
        out = np.zeros(6)
        mujoco.mj_objectVelocity(self.model, self.data, mujoco.mjtObj.mjOBJ_XBODY, body, out, 1)
        return out

    def place(self, text):
        """Where a place on the robot is, m."""
        kind, _, name = text.rpartition(":")
        where = {
            "body": lambda: self.data.body(name).xpos,
            "com": lambda: self.data.body(name).xipos,
            "subtree": lambda: self.data.body(name).subtree_com,
            "site": lambda: self.data.site(name).xpos,
            "geom": lambda: self.data.geom(name).xpos,
        }
        for kind in [kind] if kind else ["site", "body", "geom"]:
            try:
                return np.array(where[kind]())
            except KeyError:
                continue
        sys.exit(f"the robot has no place {text}")

    def told(self, params, kind=None):
        """Numbers of the command that a parameter names; the first one of this kind, or all, where it names none."""
        fits = lambda term: kind in (None, term["term"]) and params.get("command", "") in ("", term.get("name"), term["term"])
        numbers = [numbers for term, numbers in self.commands if fits(term)]
        return numbers[0] if kind else np.concatenate(numbers)

    def way(self, params):
        """From a place to where it is told to be, m."""
        return self.told(params, "position") - self.place(params["of"])

    def off_velocity(self, params):
        """How far the root's mean velocity since the start is off the command, m/s."""
        velocity = self.velocity(self.body(params))[3:5]
        self.tracked += np.linalg.norm(velocity - self.told(params, "velocity")[:2])
        return self.tracked / (self.steps or 1)


def in_box(params, rng):
    return np.array([rng.uniform(*params.get(axis, [-1, 1] if axis != "z" else [0, 0])) for axis in "xyz"])


def around(params, rng):
    """A place in a level disc or a shell, evenly by area or volume, m."""
    direction, power = rng.normal(size=3), 3
    if params["shape"] == "disc":
        direction[2], power = 0, 2
    inner, outer = params.get("radius", [0, 1])
    radius = rng.uniform(inner**power, outer**power) ** (1 / power)
    return np.array(params.get("center", [0, 0, 0])) + radius * direction / np.linalg.norm(direction)


def sensors(robot, params):
    found = robot.matching(params, "sensor", robot.model.nsensor, lambda i: robot.model.sensor(i).name)
    first, count = robot.model.sensor_adr, robot.model.sensor_dim
    return np.concatenate([robot.data.sensordata[first[i] : first[i] + count[i]] for i in found])


def outer_forces(robot, params):
    """Torques and forces from outside on bodies; the world is left out unless it is named."""
    patterns = params.get("bodies", "*")
    named = "world" in ([patterns] if isinstance(patterns, str) else patterns)
    found = robot.matching(params, "bodies", robot.model.nbody, lambda i: robot.model.body(i).name)
    return np.concatenate([robot.data.cfrc_ext[i] for i in found if i or named])


def along(params, vector):
    return [vector["xyz".index(axis)] for axis in params.get("axes", "xyz")]


def in_frame(robot, params, vector):
    return robot.frame(robot.body({})) @ vector if params.get("frame") == "root" else vector


def hinges(robot, params):
    return [robot.data.qpos[robot.model.jnt_qposadr[i]] for i in robot.joints(params) if robot.model.jnt_type[i] == HINGE]


def at_joints(robot, params, values, address):
    return np.array([values[address[i]] for i in robot.joints(params)])


def raw(robot, params, values, address, counts):
    """Numbers of joints of all kinds, less the first few."""
    firsts = [(address[i], counts[robot.model.jnt_type[i]]) for i in robot.joints(params, every=True)]
    return [values[first + k] for first, count in firsts for k in range(count)][params.get("skip", 0) :]


def gravity(robot, params):
    down = robot.model.opt.gravity
    size = np.linalg.norm(down)
    return robot.frame(robot.body(params)) @ (down / size if size else np.array([0, 0, -1.0]))


def ee_position(robot, params):
    place = robot.place(params["of"])
    in_root = params.get("frame") == "root"
    return in_frame(robot, params, place - robot.data.xpos[robot.body({})] if in_root else place)


def touching(robot, params, threshold):
    """For each part that a term names, whether contacts put more than this force on it, N."""
    bodies = robot.matching({"bodies": "", **params}, "bodies", robot.model.nbody, lambda i: robot.model.body(i).name)
    geoms = robot.matching({"geoms": "", **params}, "geoms", robot.model.ngeom, lambda i: robot.model.geom(i).name)
    parts = [set(np.flatnonzero(robot.model.geom_bodyid == body)) for body in bodies if body]
    return [np.linalg.norm(force_on(robot, part)) > threshold for part in [p for p in parts if p] + [{geom} for geom in geoms]]


def force_on(robot, part):
    """The force that contacts put on these geoms, in the world's frame, N. Contacts within the part cancel."""
    total, force = np.zeros(3), np.zeros(6)
    for i, contact in enumerate(robot.data.contact):
        mine = [geom in part for geom in contact.geom]
        if mine[0] != mine[1] and contact.efc_address >= 0:
            mujoco.mj_contactForce(robot.model, robot.data, i, force)
            total += (1 if mine[1] else -1) * contact.frame.reshape(3, 3).T @ force[:3]
    return total


def inside(robot, limits):
    """Whether numbers of an observation term lie in a range."""
    numbers = np.ravel(OBSERVATIONS[limits["term"]](robot, limits.get("params") or {}))
    numbers = numbers if limits.get("index") is None else numbers[limits["index"]]
    low, high = limits.get("low"), limits.get("high")
    return np.all(numbers >= (-math.inf if low is None else low)) and np.all(numbers <= (math.inf if high is None else high))


def middle_and_width(robot, actuator, number, params):
    if not robot.model.actuator_ctrllimited[actuator]:
        return number
    low, high = robot.model.actuator_ctrlrange[actuator]
    return (low + high) / 2 + (high - low) / 2 * number


def joint_position(robot, actuator, number, params):
    joint = robot.model.actuator_trnid[actuator, 0]
    middle = robot.pose()[robot.model.jnt_qposadr[joint]] if params.get("use_default_offset", True) else 0
    return robot.model.actuator_gear[actuator, 0] * (middle + params.get("width", 0.5) * number)


OBSERVATIONS = {
    "base_lin_vel": lambda robot, p: robot.velocity(robot.body(p))[3:],
    "base_ang_vel": lambda robot, p: robot.velocity(robot.body(p))[:3],
    "projected_gravity": gravity,
    "joint_pos": lambda robot, p: at_joints(robot, p, robot.data.qpos, robot.model.jnt_qposadr),
    "joint_pos_rel": lambda robot, p: at_joints(robot, p, robot.data.qpos - robot.pose(), robot.model.jnt_qposadr),
    "joint_vel": lambda robot, p: at_joints(robot, p, robot.data.qvel, robot.model.jnt_dofadr),
    "joint_sin": lambda robot, p: np.sin(hinges(robot, p)),
    "joint_cos": lambda robot, p: np.cos(hinges(robot, p)),
    "last_action": lambda robot, p: robot.last,
    "generated_commands": lambda robot, p: robot.told(p),
    "ee_position": ee_position,
    "target_position": lambda robot, p: in_frame(robot, p, robot.way(p)),
    "body_position": lambda robot, p: along(p, robot.place(p["of"])),
    "difference": lambda robot, p: along(p, robot.place(p["of"]) - robot.place(p["to"])),
    "sensor": sensors,
    "cfrc_ext": outer_forces,
    "foot_contact": lambda robot, p: touching(robot, p, p.get("threshold", 0)),
    "qpos": lambda robot, p: raw(robot, p, robot.data.qpos, robot.model.jnt_qposadr, COORDINATES),
    "qvel": lambda robot, p: raw(robot, p, robot.data.qvel, robot.model.jnt_dofadr, VELOCITIES),
}
ACTIONS = {
    "joint_effort": middle_and_width,
    "tendon_effort": middle_and_width,
    "actuator": middle_and_width,
    "joint_position": joint_position,
}
ENDS = {
    "outside_range": lambda robot, p: not all(inside(robot, limits) for limits in p["ranges"]),
    "bad_orientation": lambda robot, p: math.acos(np.clip(-gravity(robot, p)[2], -1, 1)) > p.get("limit_angle", 1),
    "illegal_contact": lambda robot, p: any(touching(robot, p, p.get("threshold", 1))),
    "root_height_below_minimum": lambda robot, p: robot.data.xpos[robot.body(p)][2] < p.get("minimum_height", 0),
}
SUCCESSES = {
    "position_reached": lambda robot, p: np.linalg.norm(robot.way(p)) < p.get("tolerance", 0.02),
    "object_lifted": lambda robot, p: robot.place(p["of"])[2] > p.get("height", 0.1),
    "velocity_tracked": lambda robot, p: robot.off_velocity(p) < p.get("tolerance", 0.25) and robot.steps >= p.get("steps", 200),
    "survives": lambda robot, p: True,
}


if __name__ == "__main__":
    play(Robot, __doc__)
