"""Writes ../generated/operators.json: what the CPU kernels of the pinned ONNX Runtime accept, read from the native build
of the same version (its kernel registry is the WASM build's), cut down to tensors of the element types Muster carries.

Usage: pip install onnx==1.23.2 onnxruntime==1.30.0 && python write-operators.py
"""

import json
import pathlib

import onnx.defs
import onnxruntime
import onnxruntime.capi.onnxruntime_pybind11_state as engine

MAX_OPSET = 26
NAMES = {
    "float": "float32", "uint8": "uint8", "int8": "int8", "uint16": "uint16", "int16": "int16", "int32": "int32",
    "int64": "int64", "bool": "bool", "float16": "float16", "double": "float64", "uint32": "uint32", "uint64": "uint64",
}
ORDER = list(NAMES.values())
DTYPES = {f"tensor({theirs})": ours for theirs, ours in NAMES.items()}
NO_LIMIT = 2**31 - 1
# Why each is left out stands in ../operator/refused-operators.ts.
REFUSED = {
    "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli",
    # ONNX defines it by other operators, but this engine does not expand it.
    "Swish",
    "If", "Loop", "Scan", "SequenceMap", "Optional", "OptionalHasElement", "OptionalGetElement",
}


def carried(types):
    return " ".join(sorted({DTYPES[t] for t in types if t in DTYPES}, key=ORDER.index))


def kernels_of(name, since, kernels):
    """The type constraints of the kernels that ONNX Runtime picks for this schema version."""
    return [
        kernel.type_constraints
        for kernel in kernels.get(name, [])
        if kernel.version_range[0] == since
        or (kernel.version_range[0] < since <= kernel.version_range[1] != NO_LIMIT)
    ]


def is_function(name, since):
    try:
        schema = onnx.defs.get_schema(name, since)
    except onnx.defs.SchemaError:
        return False
    return schema.since_version == since and (schema.has_function or schema.has_context_dependent_function)


def parameter(formal):
    return formal.typeStr if formal.typeStr not in DTYPES else DTYPES[formal.typeStr]


def version_of(schema, kernels):
    used = {f.typeStr for f in [*schema.inputs, *schema.outputs]}
    declared = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints if c.type_param_str in used}
    found = kernels_of(schema.name, schema.since_version, kernels)
    body = not found and is_function(schema.name, schema.since_version)
    if body:
        # The engine expands a function into other operators; only types that need no hidden cast there are taken.
        found = [{p: [t for t in types if t not in ("tensor(float16)", "tensor(double)")] for p, types in declared.items()}]
    choices = []
    for constraints in found:
        choice = {p: carried(t for t in types if t in constraints.get(p, types)) for p, types in declared.items()}
        if all(choice.values()) and choice not in choices:
            choices.append(choice)
    formals = [*schema.inputs, *schema.outputs]
    if any(f.typeStr not in declared and f.typeStr not in DTYPES for f in formals):
        choices = []
    last = schema.inputs[-1] if schema.inputs else None
    variadic = last is not None and last.option == engine.schemadef.OpSchema.FormalParameterOption.Variadic
    entry = {
        "since": schema.since_version,
        "inputs": [parameter(f) for f in schema.inputs],
        "outputs": [parameter(f) for f in schema.outputs],
        "required": schema.min_input,
        "choices": choices,
    }
    if variadic:
        entry["variadic"] = "same" if last.isHomogeneous else "any"
    if schema.outputs and schema.outputs[-1].option == engine.schemadef.OpSchema.FormalParameterOption.Variadic:
        entry["variadicOutput"] = True
    if body:
        entry["expands"] = True
    if schema.deprecated:
        entry["choices"] = []
    return entry


def main():
    kernels = {}
    for kernel in engine.get_all_opkernel_def():
        if kernel.provider == "CPUExecutionProvider" and kernel.domain == "":
            kernels.setdefault(kernel.op_name, []).append(kernel)
    operators = {}
    standard = {(s.name, s.since_version) for s in onnx.defs.get_all_schemas_with_history() if s.domain == ""}
    for schema in engine.get_all_operator_schema():
        if schema.domain == "" and schema.since_version <= MAX_OPSET and schema.name not in REFUSED:
            if (schema.name, schema.since_version) not in standard:
                continue
            operators.setdefault(schema.name, []).append(version_of(schema, kernels))
    for versions in operators.values():
        versions.sort(key=lambda v: v["since"])
    operators = {name: versions for name, versions in operators.items() if any(v["choices"] for v in versions)}
    table = {
        "engine": f"onnxruntime {onnxruntime.__version__}",
        "maxOpset": MAX_OPSET,
        "operators": dict(sorted(operators.items())),
    }
    target = pathlib.Path(__file__).parent.parent / "generated" / "operators.json"
    lines = [f'    {json.dumps(k)}: {json.dumps(v, separators=(",", ":"))}' for k, v in table["operators"].items()]
    target.write_text(
        f'{{\n  "engine": {json.dumps(table["engine"])},\n  "maxOpset": {MAX_OPSET},\n  "operators": {{\n'
        + ",\n".join(lines) + "\n  }\n}\n"
    )


main()
