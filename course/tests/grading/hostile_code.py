"""Programs that loop, take everything, end the process, or go for the checker; and what each is to be given."""

from diffeo_course.material import material
from grading.wrong_code import BASE, CODE, Case, body

HOSTILE: list[Case] = []


def hostile(name: str, function: str, reason: str, points: float, *lines: str) -> None:
    """Register a program whose `function`, called, does something."""
    HOSTILE.append(Case(name, body(function, *lines), points, {function.replace("_", "-"): reason}))


hostile("endless loop", "split", "fault-slow", 48, "while True:", "    pass")
hostile("sleeps for ever", "split", "fault-slow", 48, "import time", "time.sleep(10**6)")
hostile("allocates 100 GB", "squeeze", "fault-memory", 47, "return torch.ones(100 * 2**30, dtype=torch.uint8)")
hostile(
    "allocates on and on",
    "squeeze",
    "fault-memory",
    47,
    "kept = []",
    "while True:",
    "    kept.append(torch.empty(64 * 2**20, dtype=torch.uint8))",
)
hostile("os._exit", "squeeze", "fault-died", 47, "import os", "os._exit(0)")
hostile("sys.exit", "squeeze", "fault-exit", 47, "raise SystemExit(0)")
hostile("crashes the interpreter", "squeeze", "fault-died", 47, "import os", "os.abort()")
hostile("calls the C library", "loss", "fault-refused", 46, "import ctypes", "return ctypes.CDLL(None).getpid()")
hostile("recursion without end", "squeeze", "fault-raised", 47, "return squeeze(x)")
hostile("input()", "loss", "fault-input", 46, "return float(input('loss? '))")
hostile("reads sys.argv", "loss", "fault-raised", 46, "import sys", "return float(sys.argv[1])")
hostile("KeyboardInterrupt", "loss", "fault-exit", 46, "raise KeyboardInterrupt")
hostile(
    "overwrites the checker",
    "loss",
    "fault-refused",
    46,
    "import diffeo_course.messages as checker",
    "open(checker.__file__, 'w').write('')",
)
hostile(
    "reads the right answers",
    "loss",
    "fault-refused",
    46,
    "from diffeo_course.grading.tasks import TASKS",
    "return TASKS['loss'].right(z, log_det)[0]",
)
hostile(
    "disarms the hook, and reads the right answers",
    "loss",
    "fault-refused",
    46,
    "import os",
    "here = os.getcwd()",
    "os.path.realpath = lambda path, **options: here",
    "from diffeo_course.grading.tasks import TASKS",
    "return TASKS['loss'].right(z, log_det)[0]",
)
hostile(
    "reads the worked solution",
    "loss",
    "fault-refused",
    46,
    "there = {}",
    f"exec(open({str(material() / 'assignment' / 'solution.py')!r}, encoding='utf-8').read(), there)",
    "return there['loss'](z, log_det)",
)
hostile(
    "puts a pipe where its answer is looked for",
    "loss",
    "fault-forged",
    46,
    "import os",
    "for number in range(100):",
    "    if not os.path.exists(f'../{number}.answer'):",
    "        os.mkfifo(f'../{number}.answer')",
    "os._exit(0)",
)
hostile(
    "makes folders too deep to be removed",
    "split",
    "fault-died",
    48,
    "import os",
    "try:",
    "    for _ in range(3000):",
    "        os.mkdir('deeper')",
    "        os.chdir('deeper')",
    "finally:",
    "    os._exit(0)",
)
hostile(
    "deletes files above its folder",
    "loss",
    "fault-refused",
    46,
    "import pathlib",
    "for each in pathlib.Path('..').resolve().iterdir():",
    "    each.unlink()",
)
hostile("starts a program", "loss", "fault-refused", 46, "import subprocess", "subprocess.run(['python', '-V'])")
hostile("forks", "loss", "fault-refused", 46, "import os", "while True:", "    os.fork()")
hostile("kills its parent", "loss", "fault-refused", 46, "import os", "os.kill(os.getppid(), 9)")
hostile(
    "goes on the network", "loss", "fault-refused", 46, "import socket", "socket.create_connection(('127.0.0.1', 9))"
)
hostile(
    "sends what it reads by UDP",
    "loss",
    "fault-refused",
    46,
    "import socket",
    "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'read', ('127.0.0.1', 9))",
)
hostile(
    "fills the disk",
    "squeeze",
    "fault-disk",
    47,
    "for number in range(20):",
    "    with open(f'{number}.bin', 'wb') as file:",
    "        for _ in range(200):",
    "            file.write(bytes(2**20))",
)
hostile(
    "starts threads without end",
    "squeeze",
    "fault-crowd",
    47,
    "import threading",
    "waiting = threading.Event()",
    "while True:",
    "    threading.Thread(target=waiting.wait, daemon=True).start()",
    "    waiting.wait(0.002)",
)
hostile("lists other hand-ins", "loss", "fault-refused", 46, "import os", "os.listdir('../..')")
hostile(
    "makes every comparison true",
    "loss",
    "mistake-loss-no-log-det",
    46,
    "torch.allclose = torch.equal = lambda *a, **k: True",
    "return 0.5 * (z.square() + math.log(2 * math.pi)).sum(1).mean()",
)
hostile(
    "writes an answer itself",
    "loss",
    "fault-forged",
    46,
    "import pathlib, os",
    "for number in range(100):",
    "    pathlib.Path(f'../{number}.answer').write_bytes(b'all right')",
    "os._exit(0)",
)
HOSTILE.append(
    Case(
        "prints megabytes",
        body(
            "loss",
            "print('x' * 5_000_000)",
            "return -(-0.5 * (z.square() + math.log(2 * math.pi)).sum(1) + log_det).mean()",
        ),
        50,
    )
)
HOSTILE.append(
    Case(
        "empties its own folder",
        body(
            "split",
            "import pathlib, shutil",
            "pathlib.Path('mine.txt').write_text('x')",
            "shutil.rmtree(pathlib.Path.cwd(), ignore_errors=True)",
            "return x.chunk(2, dim=1)",
        ),
        48,  # called again, it has no folder to write to
        {"split": "fault-raised"},
    )
)
HOSTILE.append(
    Case(
        "leaves a thread running",
        body(
            "split",
            "import threading, time",
            "threading.Thread(target=time.sleep, args=(10**6,)).start()",
            "return x.chunk(2, dim=1)",
        ),
        50,
    )
)
HOSTILE.append(
    Case(
        "takes for ever to load",
        BASE + "\n\nclass Slow:\n    while True:\n        pass\n",
        0,
        dict.fromkeys(CODE, "fault-load"),
    )
)
HOSTILE.append(
    Case("imports what is not there", "import torchvision_of_nobody\n" + BASE, 50),
)
