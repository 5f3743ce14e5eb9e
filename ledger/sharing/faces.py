"""What is told of a case in words: code words of the claims side, said in the reader's language.

A code word that this list does not know is shown as it is: a page never fails over a word.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

REGIONS: dict[str, object] = {
    "anhui": _("Anhui"),
    "beijing": _("Beijing"),
    "chongqing": _("Chongqing"),
    "fujian": _("Fujian"),
    "gansu": _("Gansu"),
    "guangdong": _("Guangdong"),
    "guangxi": _("Guangxi"),
    "guizhou": _("Guizhou"),
    "hainan": _("Hainan"),
    "hebei": _("Hebei"),
    "heilongjiang": _("Heilongjiang"),
    "henan": _("Henan"),
    "hongkong": _("Hong Kong"),
    "hubei": _("Hubei"),
    "hunan": _("Hunan"),
    "inner_mongolia": _("Inner Mongolia"),
    "jiangsu": _("Jiangsu"),
    "jiangxi": _("Jiangxi"),
    "jilin": _("Jilin"),
    "liaoning": _("Liaoning"),
    "macao": _("Macao"),
    "ningxia": _("Ningxia"),
    "qinghai": _("Qinghai"),
    "shaanxi": _("Shaanxi"),
    "shandong": _("Shandong"),
    "shanghai": _("Shanghai"),
    "shanxi": _("Shanxi"),
    "sichuan": _("Sichuan"),
    "taiwan": _("Taiwan"),
    "tianjin": _("Tianjin"),
    "tibet": _("Tibet"),
    "xinjiang": _("Xinjiang"),
    "yunnan": _("Yunnan"),
    "zhejiang": _("Zhejiang"),
}
DISEASES: dict[str, object] = {
    "accident": _("Accident"),
    "cancer_mild": _("Cancer, mild"),
    "cancer_severe": _("Cancer, severe"),
    "heart_attack": _("Heart attack"),
    "kidney_failure": _("Kidney failure"),
    "leukemia": _("Leukemia"),
    "other_illness": _("Illness that is not listed"),
    "stroke_mild": _("Stroke, mild"),
    "stroke_severe": _("Stroke, severe"),
    "thyroid_cancer": _("Thyroid cancer"),
    "transplant": _("Organ transplant"),
}
#: Parts of the country, by which a case is told where too few share its province.
PARTS: dict[str, object] = {
    "beyond": _("Hong Kong, Macao or Taiwan"),
    "central_south": _("Central and South China"),
    "east": _("East China"),
    "north": _("North China"),
    "northeast": _("Northeast China"),
    "northwest": _("Northwest China"),
    "southwest": _("Southwest China"),
}
#: Classes of illnesses, as everyone is told of them.
CLASSES: dict[str, object] = {
    "accident": _("Accident"),
    "cancer": _("Cancer"),
    "circulation": _("Heart or stroke"),
    "organs": _("Organ failure"),
    "other": _("Illness that is not listed"),
}
SEXES: dict[str, object] = {"f": _("female"), "m": _("male")}


@dataclass(frozen=True)
class Face:
    """What somebody may see of a person who is helped. helped: how many the pool has helped since they joined."""

    age: str
    sex: object
    region: object
    disease: object
    month: str
    joined: str
    helped: int | None = None


def face_of(masked: Mapping[str, str]) -> Face:
    """Say in words what the claimant has told, for those who are told all of it; a dash for what is withheld."""
    told = {"age": masked.get("age_band", ""), "illness": masked.get("disease", "")}
    return words_of({**masked, **told})


def words_of(told: Mapping[str, str | int]) -> Face:
    """Say the fields of a layer in words; a dash for one that is not told."""
    text = {name: str(value) for name, value in told.items()}
    sex, region, illness = text.get("sex", ""), text.get("region", ""), text.get("illness", "")
    disease = text.get("disease", "")
    return Face(
        age=text.get("age", "").replace("-", "–") or "–",
        sex=SEXES.get(sex, sex or "–"),
        region=REGIONS.get(region) or PARTS.get(region, region or "–"),
        disease=DISEASES.get(illness, illness) or CLASSES.get(disease, disease or "–"),
        month=text.get("month", "").replace("-Q", " Q") or "–",
        joined=text.get("joined", "").replace("-Q", " Q") or "–",
        helped=int(told["helped"]) if "helped" in told else None,
    )
