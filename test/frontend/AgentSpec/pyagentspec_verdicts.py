"""Prints for each file named in the list file whether pyagentspec loads it: accept TYPE, or reject REASON."""
import sys
import warnings

from pyagentspec.serialization import AgentSpecDeserializer

warnings.simplefilter("ignore")
for path in open(sys.argv[1], encoding="utf-8").read().splitlines():
    with open(path, encoding="utf-8") as file:
        text = file.read()
    loader = AgentSpecDeserializer()
    try:
        load = loader.from_json if path.endswith(".json") else loader.from_yaml
        print("accept", type(load(text)).__name__)
    except BaseException as error:  # whatever it is, the file is refused
        print("reject", type(error).__name__, " ".join(str(error).split())[:300])
