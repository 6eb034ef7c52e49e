# SPDX-License-Identifier: Apache-2.0
# The router and the OpenAPI document say the same, each way round.
import json
import os
import subprocess

from client import check, from_environment, summary


def told(option):
    return json.loads(subprocess.run([os.environ["CORDON"], option], check=True, timeout=30,
                                     stdout=subprocess.PIPE).stdout)


routes, document = told("--internal-routes"), told("--internal-openapi")
of_router = {(route["path"], method.lower()): route
             for route in routes for method in route["method"].split(", ")}
of_document = {(path, method): operation for path, methods in document["paths"].items()
               for method, operation in methods.items()}
check("each_route_is_in_the_document_and_each_operation_in_the_router",
      sorted(of_router), sorted(of_document))


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def types(operation):
    return sorted(operation.get("requestBody", {}).get("content", {})) or ["none"]


def content(route):
    return ["*/*"] if route["content"] == "any" else [route["content"]]


both = sorted(set(of_router) & set(of_document))
for what, wanted, was in (
        ("roles", lambda route: route["roles"], lambda operation: operation["x-roles"]),
        ("listeners", lambda route: route["listeners"], lambda operation: operation["x-listeners"]),
        ("content_types", content, types),
        ("names", lambda route: camel(route["operation"]), lambda operation: operation["operationId"])):
    check(f"with_the_same_{what}", {key: wanted(of_router[key]) for key in both},
          {key: was(of_document[key]) for key in both})
check("each_has_words_for_people", [], [key for key in both if not of_document[key].get("summary")])
check("only_what_anybody_may_ask_wants_no_credential",
      [key for key in both if "anybody" in of_router[key]["roles"]],
      [key for key in both if of_document[key]["security"] == []])
check("no_get_takes_a_body", [], [key for key in both if key[1] == "get" and types(of_document[key]) != ["none"]])
check("each_json_body_has_a_schema_without_unknown_members", [],
      [key for key in both if "application/json" in types(of_document[key]) and key[0].startswith("/v1") and
       document["components"]["schemas"].get(
           of_document[key]["requestBody"]["content"]["application/json"]["schema"].get("$ref", "").split("/")[-1],
           {}).get("additionalProperties") is not False])
check("each_path_parameter_is_described", [],
      [key for key in both
       if {part[1:-1] for part in key[0].split("/") if part.startswith("{")} !=
       {p["name"] for p in of_document[key]["parameters"] if p.get("in") == "path"}])
served = from_environment("VIEWER").get("/v1/openapi.json")
check("it_is_served_as_it_is", document, served.json)
summary()
