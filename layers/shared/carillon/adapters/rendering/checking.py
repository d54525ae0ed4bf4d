"""The check of a template before it is stored: an allow-list of syntax, and every variable known to the catalog."""

from collections.abc import Iterator

from jinja2 import TemplateSyntaxError, nodes

from carillon.adapters.rendering.positions import column_of
from carillon.adapters.rendering.sandbox import FILTER_ARGUMENTS, FILTERS, LOOP_NAMES, Environment
from carillon.domain.templates import Mistake
from carillon.domain.variables import Group, Leaf, Listing, Node, find

MAX_DEPTH = 40
MAX_NODES = 4000
LOOP_WEIGHT = 5
"""What stands in a loop counts so much more, once per level: rounds x parts is what a rendering costs."""
MAX_LOOPS = 2
"""How deep loops may be nested."""
MAX_MISTAKES = 20

_EXPRESSIONS = (nodes.Const, nodes.Compare, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.List, nodes.Tuple)
_LOOP = Group({name: Leaf(typed=False) for name in LOOP_NAMES})
_ASKED: dict[type[nodes.Node], str] = {
    nodes.Test: "tests (`is`) are not allowed; `{% if name %}` asks whether a value is there",
    nodes.Call: "nothing may be called",
    nodes.Slice: "slices are not allowed",
}


def mistakes_in(environment: Environment, part: str, source: str) -> list[Mistake]:
    """Find what is wrong in one part of a template, in order of place; nothing is executed."""
    try:
        tree = environment.parse(source)
    except TemplateSyntaxError as error:
        return [Mistake(part, error.lineno, column_of(error.lineno), error.message or "syntax error")]
    except RecursionError:
        return [Mistake(part, 1, 1, "is nested too deeply")]
    except (ValueError, OverflowError) as error:
        return [Mistake(part, 1, 1, f"holds a number that can't be read: {error}"[:200])]
    checker = _Checker(part, html=environment.autoescape is True)
    try:
        checker.statements(tree.body, {}, depth=0)
    except RecursionError:
        return [Mistake(part, 1, 1, "is nested too deeply")]
    except _Enough:
        pass
    return sorted(checker.found, key=lambda mistake: (mistake.line, mistake.column))


class _Enough(Exception):
    """There is no point in looking further."""


Scope = dict[str, Node]


class _Checker:
    def __init__(self, part: str, *, html: bool) -> None:
        self._part, self._html = part, html
        self._markup = ""
        self._seen = 0
        self._weight = 1
        self.found: list[Mistake] = []

    def _fault(self, node: nodes.Node, message: str) -> None:
        self.found.append(Mistake(self._part, int(node.lineno), column_of(node.lineno), message))
        if len(self.found) >= MAX_MISTAKES:
            raise _Enough

    def _enter(self, node: nodes.Node, depth: int) -> None:
        self._seen += self._weight
        if self._seen > MAX_NODES or depth > MAX_DEPTH:
            what = "is nested too deeply" if depth > MAX_DEPTH else "has too many parts"
            self._fault(node, what)
            raise _Enough

    def statements(self, body: list[nodes.Node], scope: Scope, depth: int, loops: int = 0) -> None:
        for node in body:
            self._enter(node, depth)
            if isinstance(node, nodes.Output):
                self._output(node, scope, depth)
            elif isinstance(node, nodes.If):
                self._if(node, scope, depth, loops)
            elif isinstance(node, nodes.For):
                self._for(node, scope, depth, loops)
            else:
                self._fault(node, f"{_name(node)} is not allowed; only `if` and `for` are")

    def _output(self, node: nodes.Output, scope: Scope, depth: int) -> None:
        for child in node.nodes:
            if isinstance(child, nodes.TemplateData):
                self._data(child)
                continue
            if self._html and _in_bare_tag(self._markup):
                self._fault(child, "a value inside a tag must stand in a quoted attribute")
            kind = self.expression(child, scope, depth + 1)
            if isinstance(kind, Group):
                self._fault(child, "names a group of variables; add the one you mean, such as `client.first_name`")

    def _data(self, node: nodes.TemplateData) -> None:
        if not self._html:
            return
        self._markup = (self._markup + node.data)[-4000:]
        if any(tag in node.data.lower() for tag in ("<script", "<iframe", "<object", "<embed", "<form")):
            self._fault(node, "scripts, frames, forms and embedded objects are not allowed in an e-mail")

    def _if(self, node: nodes.If, scope: Scope, depth: int, loops: int) -> None:
        for branch in (node, *node.elif_):
            self.expression(branch.test, scope, depth + 1)
            self.statements(branch.body, scope, depth + 1, loops)
        self.statements(node.else_, scope, depth + 1, loops)

    def _for(self, node: nodes.For, scope: Scope, depth: int, loops: int) -> None:
        if loops >= MAX_LOOPS:
            self._fault(node, f"loops may be nested {MAX_LOOPS} deep")
        if node.recursive:
            self._fault(node, "recursive loops are not allowed")
        item = self._item(node, scope, depth)
        inner = scope | {"loop": _LOOP}
        if isinstance(node.target, nodes.Name) and _may_be_named(node.target.name):
            inner[node.target.name] = item
        else:
            self._fault(node.target, "a loop takes one new name that is not a variable of the catalog")
        self._weight *= LOOP_WEIGHT
        if node.test is not None:
            self.expression(node.test, inner, depth + 1)
        self.statements(node.body, inner, depth + 1, loops + 1)
        self._weight //= LOOP_WEIGHT
        self.statements(node.else_, scope, depth + 1, loops)

    def _item(self, node: nodes.For, scope: Scope, depth: int) -> Node:
        plain = isinstance(node.iter, nodes.Name | nodes.Getattr)
        listed = self.expression(node.iter, scope, depth + 1) if plain else None
        if isinstance(listed, Listing):
            return Leaf() if listed.item is None else listed.item
        if not plain or listed is not None:
            self._fault(node.iter, "a loop walks a list of the catalog, such as `recap.items`")
        return Group(open=True)

    def expression(self, node: nodes.Node, scope: Scope, depth: int) -> Node | None:
        """Check an expression; returns what it names if it is a variable, None for an unknown one."""
        self._enter(node, depth)
        if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
            return self._variable(node, scope)
        if isinstance(node, nodes.Filter):
            return self._filter(node, scope, depth)
        if isinstance(node, _EXPRESSIONS):
            for child in _children(node):
                self.expression(child, scope, depth + 1)
            return Leaf()
        self._fault(node, _ASKED.get(type(node), f"{_name(node)} is not allowed"))
        return None

    def _variable(self, node: nodes.Node, scope: Scope) -> Node | None:
        path = _path(node)
        if path is None:
            self._fault(node, "only variables by their names, such as `client.first_name`")
            return None
        root, names = path
        dotted = ".".join((root.name, *names))
        if any(name.startswith("_") for name in (root.name, *names)):
            self._fault(root, f"{dotted}: names that begin with an underscore are not allowed")
            return None
        known = find(tuple(names), scope[root.name]) if root.name in scope else find((root.name, *names))
        if known is None:
            self._fault(root, f"unknown variable {dotted}")
        return known

    def _filter(self, node: nodes.Filter, scope: Scope, depth: int) -> Node | None:
        if node.name not in FILTERS:
            self._fault(node, f"unknown filter {node.name}; there are {', '.join(FILTERS)}")
        arguments = [*node.args, *(pair.value for pair in node.kwargs)]
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            self._fault(node, "unpacked arguments are not allowed")
        if len(arguments) > FILTER_ARGUMENTS.get(node.name, 0):
            self._fault(node, f"{node.name} takes at most {FILTER_ARGUMENTS.get(node.name, 0)} arguments")
        if node.name == "replace" and len(node.args) < 2:  # noqa: PLR2004
            self._fault(node, "replace takes the old and the new text")
        for argument in arguments:
            self.expression(argument, scope, depth + 1)
        if node.node is None:
            self._fault(node, "filter blocks are not allowed")
            return None
        self.expression(node.node, scope, depth + 1)
        return Leaf()


def _path(node: nodes.Node) -> tuple[nodes.Name, list[str]] | None:
    names: list[str] = []
    while not isinstance(node, nodes.Name):
        if isinstance(node, nodes.Getattr):
            names.append(node.attr)
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            names.append(node.arg.value)
        else:
            return None
        node = node.node
    return node, names[::-1]


def _children(node: nodes.Node) -> Iterator[nodes.Node]:
    for child in node.iter_child_nodes():
        yield child.expr if isinstance(child, nodes.Operand) else child


def _may_be_named(name: str) -> bool:
    return not name.startswith("_") and name != "loop" and find((name,)) is None


def _name(node: nodes.Node) -> str:
    return f"`{type(node).__name__.lower()}`"


def _in_bare_tag(markup: str) -> bool:
    start = markup.rfind("<")
    tag = markup[start:]
    if start < 0 or ">" in tag or tag[1:2].isspace():
        return False
    return tag.count('"') % 2 == 0 and tag.count("'") % 2 == 0
