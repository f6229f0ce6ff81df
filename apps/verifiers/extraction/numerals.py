"""Converts numbers from other notations: `27本`, `٢٧`, `2,5`, `1.234.567`."""

from __future__ import annotations

import re
import unicodedata

_MEASURES = (
    "平方厘米|平方米|立方厘米|立方米|厘米|千米|公里|公斤|千克|毫升|小时|小時|分钟|分鐘|時間|通り"
    "|[個个本元块塊米克升人只隻条條天秒岁歲次页頁棵朵辆台张張件名位支箱袋包瓶杯双对组种度冊円枚匹日回]"
    "|개|권|원|명|마리|장|대|시간|일|살|번|가지"
)
_MEASURED = re.compile(rf"(?:{_MEASURES})[^\W\d_]{{0,8}}$")
NUMBER = re.compile(r"[-+−]?\d[\d.,]*%?")
FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x066B: ".",
    0x066C: ",",
    0x060C: ",",
    0x3001: ",",
}


def without_measures(plain: str) -> str | None:
    """`27本` is 27. Any other word after a number in those scripts may change it (`27万`, `27分の2`): None."""
    if plain.isascii():
        return plain
    number = NUMBER.match(plain.translate(FULL_WIDTH))
    rest = plain[number.end() :].strip() if number else ""
    if not rest or not re.search(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", rest):
        return plain
    if number and _MEASURED.match(rest):
        return number.group().rstrip(".,")
    parts = [
        part.strip()
        for part in re.split(r"[,，、]|和|或者|或|与|與|以及|及|と|または|および|와|과|또는", plain)
        if part.strip()
    ]
    values = [without_measures(part) for part in parts] if len(parts) > 1 else []
    return ", ".join(value for value in values if value) if values and all(values) else None


def localized(answer: str, *, decimal_commas: bool) -> str | None:
    """With ASCII digits and English number format. None for `1.234` if it may be a decimal or a thousands point."""
    if not answer.isascii():
        answer = "".join(
            str(unicodedata.decimal(sign)) if not sign.isascii() and unicodedata.category(sign) == "Nd" else sign
            for sign in answer
        ).translate(FULL_WIDTH)
    bare = answer.replace("{,}", ",")
    match = re.match(r"[-+−]?\d+(?:[.,\s\u00a0\u202f]\d+)*", bare) if decimal_commas else None
    if match is None:
        return answer
    number, rest = match.group(), bare[match.end() :]
    if re.fullmatch(r"[-+−]?\d{1,3}([., \u00a0\u202f])\d{3}(?:\1\d{3})*", number):
        compact = re.sub(r"[., \u00a0\u202f]", "", number)
        is_sure = not re.search(r"[.,]", number) or len(re.findall(r"[.,]", number)) > 1
        return compact + rest if is_sure else None
    if re.fullmatch(r"[-+−]?[\d. \u00a0\u202f]*\d,\d+", number):
        return re.sub(r"[. \u00a0\u202f]", "", number).replace(",", ".") + rest
    return answer
