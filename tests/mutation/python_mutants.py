"""Mutants of Python code, made by the operators of Cosmic Ray.

Its operators are narrowed to those that a test should notice: a comparison becomes its neighbour and its
opposite, not each of the seven others. Two operators that it lacks are added: a test of membership, and the
condition of a comprehension. Mutants of annotations alone are left out.
"""

import ast
from collections.abc import Iterator
from typing import Any

import parso
from cosmic_ray.ast import Visitor, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator
from mutant import Mutant, mutant_of

_COMPARISONS = (
    "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt",
    "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is",
)  # fmt: skip
_SUMS = (
    "Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_Mul", "Pow_Mul", "BitOr_BitAnd",
    "BitAnd_BitOr", "BitXor_BitAnd", "LShift_RShift", "RShift_LShift",
)  # fmt: skip
OPERATORS = (
    *(f"core/ReplaceComparisonOperator_{name}" for name in _COMPARISONS),
    *(f"core/ReplaceBinaryOperator_{name}" for name in _SUMS),
    "core/ReplaceUnaryOperator_Delete_USub",
    "core/ReplaceUnaryOperator_Delete_Not",
    "core/ReplaceUnaryOperator_Delete_Invert",
    "core/AddNot",
    "core/ReplaceTrueWithFalse",
    "core/ReplaceFalseWithTrue",
    "core/ReplaceAndWithOr",
    "core/ReplaceOrWithAnd",
    "core/ReplaceBreakWithContinue",
    "core/ReplaceContinueWithBreak",
    "core/NumberReplacer",
    "core/ZeroIterationForLoop",
    "core/ExceptionReplacer",
)


class _MembershipOpposite(Operator):
    """`in` becomes `not in`, and the other way round."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        if node.type == "comparison":
            for sign in node.children[1::2]:
                if _sign(sign) in ("in", "not in"):
                    yield sign.start_pos, sign.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        places = [n for n, c in enumerate(node.children) if n % 2 and _sign(c) in ("in", "not in")]
        opposite = "in" if _sign(node.children[places[index]]) == "not in" else "not in"
        node.children[places[index]] = parso.parse(f" {opposite}")
        return node

    @classmethod
    def examples(cls) -> tuple[Any, ...]:
        return ()


class _ComprehensionOpposite(Operator):
    """The condition of a comprehension becomes its opposite."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        if node.type == "comp_if":
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        condition = node.children[1].get_code().strip()
        node.children[1] = parso.parse(f" not ({condition})")
        return node

    @classmethod
    def examples(cls) -> tuple[Any, ...]:
        return ()


def _sign(node: Any) -> str:
    return " ".join(node.get_code().split())


class _Places(Visitor):
    """Counts the places that an operator can change."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.count = 0

    def visit(self, node: object) -> object:
        self.count += sum(1 for _ in self.operator.mutation_positions(node))
        return node


def _operators() -> Iterator[tuple[str, Operator]]:
    for name in OPERATORS:
        yield name, get_operator(name)()
    yield "MembershipOpposite", _MembershipOpposite()
    yield "ComprehensionOpposite", _ComprehensionOpposite()


def python_mutants(path: str, source: str) -> Iterator[Mutant]:
    """Yield the mutants of a module."""
    told = _without_annotations(source)
    for name, operator in _operators():
        places = _Places(operator)
        places.walk(get_ast(source))
        for occurrence in range(places.count):
            mutated = mutate_code(source, operator, occurrence)
            if mutated is None or ("BitOr" in name and _without_annotations(mutated) in (told, "")):
                continue
            mutant = mutant_of(path, source, mutated, name.removeprefix("core/"))
            if mutant is not None:
                yield mutant


class _Stripper(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(0)
        return self.generic_visit(node)


def _without_annotations(source: str) -> str:
    """Return the module's tree without annotations; empty where it cannot be parsed."""
    try:
        return ast.dump(_Stripper().visit(ast.parse(source)))
    except SyntaxError:
        return ""
