"""The published face of a case in words: code words of the claims side, said in the reader's language.

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
SEXES: dict[str, object] = {"f": _("female"), "m": _("male")}


@dataclass(frozen=True)
class Face:
    """What everyone may see of a person who is helped."""

    age: str
    sex: object
    region: object
    disease: object


def face_of(masked: Mapping[str, str]) -> Face:
    """Say the published fields in words; a dash for one that is withheld."""
    sex, region, disease = masked.get("sex", ""), masked.get("region", ""), masked.get("disease", "")
    return Face(
        age=masked.get("age_band", "").replace("-", "–") or "–",
        sex=SEXES.get(sex, sex or "–"),
        region=REGIONS.get(region, region or "–"),
        disease=DISEASES.get(disease, disease or "–"),
    )
