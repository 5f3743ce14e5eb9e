"""Check the signed log of a pool without trusting whoever runs it. One file, Python 3.8 or later, nothing else.

    python verify.py log SOURCE [--key KEY]          every statement hashes to the signed root
    python verify.py history OLD SOURCE [--key KEY]  nothing before the kept checkpoint OLD was rewritten
    python verify.py member BUNDLE --id DOCUMENT [--secret SECRET] [--key KEY]  my line in the roll, and its sum
    python verify.py roll SOURCE PERIOD [--key KEY]  every line of a period's roll, from the files of SOURCE
    python verify.py book SOURCE [--key KEY] [--account NUMBER]  bank, journal, bills, every payment's reason
    python verify.py draw SOURCE CASE [--key KEY]    a jury's draw, its ballots and its verdict, computed again
    python verify.py witnesses SOURCE TRUSTED        as many witnesses have signed as TRUSTED, your file, asks
    python verify.py all SOURCE [--key KEY] [--keep FOLDER] [--old OLD] [--trusted TRUSTED]
                                [--bundle BUNDLE --id DOCUMENT --secret SECRET] [--account NUMBER]  all, kept in FOLDER
    python verify.py selftest                        this program computes as the published examples say

SOURCE: an address like https://aid.example.org/t/POOL, or a folder with the same files. KEY: the log's key as you got
it from elsewhere; without it the key comes from SOURCE, and only what was kept before can show another one.
Exit code 0: true. 1: a statement is false. 2: it could not be checked, which is no good sign and no bad one.
"""

import argparse
import base64
import contextlib
import datetime
import hashlib
import hmac
import json
import re
import sys
import time
import unicodedata
import urllib.request
from pathlib import Path

TRUE, FALSE, UNCHECKED = 0, 1, 2
LONGEST_FILE, LARGEST = 20_000_000, 2**53 - 1


class IsFalse(Exception):  # noqa: N818 - it is what was found, not what went wrong
    """A statement that does not hold: its code, what must stand there, what does; about: which one."""

    def __init__(self, code, wanted="", found="", about=None):
        super().__init__(code)
        self.code, self.wanted, self.found = code, wanted, found
        self.sentences = [text if about is None else text % about for text in SENTENCES[code]]


class Unchecked(Exception):  # noqa: N818
    """Something is missing or cannot be read."""


# What files that are written otherwise lead to: none of it says that a statement is false.
FAULTS = (OSError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)

# What does not hold is named by its code, and what holds by its command; %d, {0}, {1} stand for which one.
SENTENCES = """
account_is_not_overdrawn | Entry %d leaves less than nothing in an account. | 第 %d 项声明使某账户低于零。
account_is_the_custody_account | Your money went to another account than the log names. | 您的款项未转入日志所载的账户。
aid_follows_the_announcement | Aid is not what was announced, as adjusted. | 互助金与公示（经调整）的金额不同。
aid_is_owed_until_it_is_paid | What was granted and not paid is not what is owed. | 已给予而未付的不等于所欠的。
amount_in_range | An amount is negative or too large. | 金额为负或过大。
amount_is_the_rate | An amount is not the rate of its class. | 金额不等于其类别的分摊额。
arrears_are_in_the_journal | What is open of all shares is not what the journal says. | 各期未收之和与日记账的应收不同。
award_is_posted_as_announced | Entry %d owes other aid than was announced. | 第 %d 项声明所记互助金与公示的不同。
ballots_are_of_seated_jurors | A ballot is of nobody seated, or twice, or late. | 某张票不属于在席成员、重复或过迟。
bank_class_is_known | A booking of the bank has no reason that money may have. | 某笔银行记录没有被允许的用途。
bank_day_follows_the_last | A bank day does not begin where the last one ended. | 银行日未从上一日结束处开始。
bank_day_sums | The closing balance is not opening, plus in, minus out. | 期末余额不等于期初加收入减支出。
bill_counts_are_those_of_the_roll | The bill counts other members than the roll. | 账单的人数与名册不同。
bill_is_posted_as_stated | What a period posts is not what its bill says. | 某期入账的数额与账单所载不同。
books_have_the_banks_balance | The journal has another balance than the bank. | 日记账的余额与银行的不同。
carry_comes_back | What was carried over did not come back to the members. | 结转额没有回到成员手中。
carry_is_less_than_the_charged | More was carried over than rounding leaves. | 结转额超过四舍五入所能产生的数额。
case_is_as_decided | A case is published with another amount than was decided. | 案例公布的金额与决定的不同。
cases_were_announced | A case was added after the announcement. | 公示之后又加入了案例。
checkpoint_is_of_its_log | The checkpoint is of another log. | 检查点属于另一份日志。
checkpoint_is_signed | The log has not signed this. | 该检查点没有日志的有效签名。
checkpoint_is_written | This is no checkpoint. | 这不是检查点。
class_is_of_the_roll | A line has a class that the roll does not have. | 名册中没有该行的类别。
collection_adds_up | What came in, was waived and is open is not the bill. | 某期已收、核销与未收之和不等于账单。
commitment_is_mine | This line is not of this document and secret. | 这一行不属于该证件和密钥。
commitments_rise | Line %d stands twice or out of its order. | 第 %d 行重复或次序不对。
cosignature_is_of_the_past | A witness has signed in the future. | 见证人的签名时间在未来。
cosignature_is_signed | This is no signature of the witness. | 这不是该见证人的签名。
decision_has_two_people | A case was approved by one person. | 案例由一人批准。
draw_commits_before_its_words | Words were told too early or too late. | 证言公布得过早或过晚。
draw_follows_its_plan | Jurors and votes needed do not follow from the rules. | 评议人数或所需票数不符合规则。
draw_is_committed_once | A draw was done twice. | 抽签进行了两次。
draw_pool_is_the_committed | The list is another one than was fixed. | 名单与事先确定的不同。
drawn_names_stand_at_their_places | A name was not drawn at its place. | 某个名字不在其被抽中的位置。
enough_witnesses_have_signed | Not as many witnesses as are needed have signed this. | 签名的见证人未达到所需数目。
entries_have_the_signed_root | The %d statements have another root. | 这 %d 项声明的根与签名的根不同。
entry_balances | Debits of entry %d are not its credits. | 第 %d 项声明的借方与贷方不等。
entry_is_canonical | Statement %d is written otherwise. | 第 %d 项声明的写法不合规定。
entry_is_posted_once | Entry %d comes twice, or out of its order. | 第 %d 项声明重复或次序不对。
entry_names_its_place | Statement %d names another place or pool. | 第 %d 项声明写着另一个位置或计划。
fee_follows_the_aid | A fee was taken before the aid of its period. | 管理费先于该期互助金支取。
fee_follows_the_plan | The fee is not the one of the published rules. | 管理费与公布的规则不符。
fee_is_within_its_bill | More fee is paid than the bill of its period says. | 支付的管理费超过该期账单所载。
freeze_announce_close_in_order | What was to be fixed first was stated later. | 应先确定的内容却在之后才声明。
hashes_have_the_signed_root | The %d statements have another root. | 这 %d 项声明的根与签名的根不同。
head_is_the_stated_one | Head or number of members are not those of the roll. | 名册首部或人数与名册不符。
identity_holds | What comes in is not what goes out. | 收入与支出不相等。
indices_follow_the_seed | Other places were drawn than follow from the seed. | 抽中的位置不是由种子得出的。
key_follows_the_last | Key %d has no signature of the one before it. | 第 %d 个密钥没有前一密钥的签名。
keys_are_in_the_log | The log states other changes of its key. | 日志所载的密钥更换与此不同。
left_members_are_my_index | Not as many members stand before me as my place says. | 排在我之前的人数与我的位置不符。
log_only_grows | The log was longer than it is. | 日志曾经更长，现在变短了。
members_are_those_frozen | Other members or classes are charged than were frozen. | 被分摊的成员或类别与冻结时不同。
members_money_is_there | A payment takes what is the members' own. | 付款动用了属于成员个人的款项。
missing_words_are_named | Who kept silent is named wrongly. | 未公布证言者的记载有误。
nothing_was_rewritten | The %d statements have another root. | 这 %d 项声明的根与签名的根不同。
order_has_a_known_reason | Payment %d has no reason that money may have. | 第 %d 号付款没有被允许的用途。
order_is_settled_once | Payment %d is settled twice, or was never released. | 第 %d 号付款结算了两次，或从未放行。
order_stands_in_the_journal | Payment %d stands otherwise in the journal. | 第 %d 号付款在日记账中的记载不同。
own_amount_is_below_the_rate | An own amount is not below the rate of its class. | 单独金额不低于其类别的分摊额。
path_fits_its_place | The path is not that of this place in a roll of this size. | 该路径与名册中的位置不符。
payee_is_the_decided_one | Aid goes to another payee than was decided. | 互助金的收款人与决定的不同。
payments_are_settled_orders | The bank paid something else than what was ordered. | 银行支付的与付款指令不同。
payout_follows_a_decision | Aid is paid for a case that nobody approved. | 互助金支付给了未经批准的案例。
payout_follows_publicity | Aid is paid before its publicity was over. | 互助金在公示结束之前支付。
payout_is_within_the_award | More aid is paid than was granted. | 支付的互助金超过所给予的。
period_comes_once | A period was billed twice. | 某期被分摊了两次。
randomness_is_of_all_words | The randomness is not the hash of all words. | 随机数不是全部证言的哈希值。
rates_follow_from_the_need | A share is not the need by weight. | 分摊额不等于按权重计算的应摊额。
records_are_as_many_as_members | The roll has not as many lines as members. | 名册的行数与人数不同。
reserves_follow_in_order | A juror was replaced by another one than the next. | 递补者不是顺序上的下一位。
reversal_mirrors_its_entry | Entry %d is no mirror of what it corrects. | 第 %d 项不是所更正记录的镜像。
revoked_aid_goes_to_all | Aid taken back did not go to all with its fee. | 撤回的互助金未连同管理费归还全体成员。
root_is_the_stated_one | The roll is another one than the log states. | 名册与日志所声明的不同。
rules_are_published | A bill names rules that the log does not state. | 账单所依的规则未在日志中声明。
salt_is_mine | The salt is not of this secret. | 盐值不属于该密钥。
seed_is_of_commitment_and_words | The seed is of something else. | 种子来自其他内容。
selftest | This program computes wrongly here. | 本程序在此计算有误。
sibling_has_members | A part of the roll has no members. | 名册的一部分没有成员。
statement_stands_in_the_log | Statement %d is not in the signed log. | 签名日志中没有第 %d 项声明。
statements_are_of_the_period | A statement is of another kind or period. | 声明属于另一类别或另一期。
sum_is_of_the_roll | The sum is not that of the roll. | 总额与名册的合计不同。
tally_is_the_sum_of_the_votes | The count is not the sum of the votes. | 计票结果不等于各票之和。
verdict_follows_the_rule | The verdict does not follow from the count. | 裁决与计票结果不符。
votes_open_as_they_were_cast | An opened vote is not the one that was cast. | 公开的票与所投的票不同。
witness_counts_once | A witness stands there twice. | 同一见证人出现了两次。
words_fit_their_hashes | Words of a witness are other ones than were fixed. | 见证人的证言与事先确定的不同。
log | True: {0} statements of {1} have the signed root. | 属实：{1} 的 {0} 项声明与签名的根一致。
history | True: the {0} statements of before are the beginning of {1}. | 属实：原有的 {0} 项声明是现有 {1} 项的开头。
roll | True: the {0} lines of period {1} are those that were frozen, each with its amount. | \
属实：第 {1} 期的 {0} 行与冻结时一致，金额均正确。
draw | True: {0} draws follow from their lists, words and ballots. | 属实：{0} 次抽签均由其名单、证言与选票得出。
book | True: {0} entries and {1} payments have their reasons; the bank holds {2} fen, aid of {3} fen is owed. | \
属实：{0} 笔分录与 {1} 笔付款均有依据；银行存款 {2} 分，尚欠互助金 {3} 分。
witnesses | True: {0} witnesses have signed the {1} statements of {2}. | 属实：{0} 位见证人已为 {2} 的 {1} 项声明签名。
"""
SENTENCES = {code: both for code, *both in (line.split(" | ") for line in SENTENCES.strip().split("\n"))}


def truly(command, *figures):
    """Return what a true answer says."""
    return [text.format(*figures) for text in SENTENCES[command]]


def equal(code, wanted, found, about=None):
    """Demand that two values are one. Raises: IsFalse."""
    if wanted != found:
        raise IsFalse(code, wanted, found, about)


# --- Ed25519, RFC 8032 ---------------------------------------------------------------------------------------------
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def add(one, two):
    """Add two points in extended coordinates."""
    a = (one[1] - one[0]) * (two[1] - two[0]) % P
    b = (one[1] + one[0]) * (two[1] + two[0]) % P
    c, d = 2 * one[3] * two[3] * D % P, 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    """Return a multiple of a point."""
    found = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = add(found, point)
        point, number = add(point, point), number >> 1
    return found


def point_of(data):
    """Read a point; None for bytes that are none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(public, message, signature):
    """Say whether the signature is of this key over this message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r, s = point_of(public), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    one, two = times(s, BASE), add(r, times(h, key))
    return (one[0] * two[2] - two[0] * one[2]) % P == 0 == (one[1] * two[2] - two[1] * one[2]) % P


# --- Keys, notes, checkpoints --------------------------------------------------------------------------------------
def from_base64(text, size=None):
    """Read base64 that is written in the one way, of so many bytes. Raises: ValueError."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text or size not in {None, len(data)}:
        raise ValueError("base64 that is written otherwise")
    return data


def read_key(text, kinds=(1,)):
    """Return name, id, public key and kind: 1 a log's, 4 and 6 a witness's. Raises: ValueError, IndexError."""
    name, key_id, material = text.strip().split("+", 2)
    data = from_base64(material)
    wanted = hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8]
    if data[0] not in kinds or len(data) != {1: 33, 4: 33, 6: 1313}[data[0]] or key_id != wanted:
        raise ValueError("a key whose id is not of its name and key, or that is of no kind known here")
    return name, bytes.fromhex(key_id), data[1:], data[0]


def read_keys(text, given):
    """Return a log's last key, and behind it those before it from the given one on. Raises: IsFalse, ValueError."""
    *lines, end = [line.split(" ") for line in text.split("\n")]
    keys = [read_key(line[0]) for line in lines]
    if end != [""] or [len(line) for line in lines] != [1] + [2] * (len(lines) - 1):
        raise ValueError("keys: a file that is written otherwise")
    for at in range(1, len(lines)):
        told = ("huzhu/v1/key-rotate\n%s\n%s\n" % (lines[at - 1][0], lines[at][0])).encode()
        if not is_signed(keys[at - 1][2], told, from_base64(lines[at][1])):
            raise IsFalse("key_follows_the_last", keys[at - 1][0], "-", at + 1)
    mine = read_key(given or lines[0][0])
    return (*keys[-1], *keys[keys.index(mine) : -1]) if mine in keys else mine


def signatures_of(below, key):
    """Return the signatures among these lines that name a key. Raises: ValueError."""
    parts = [line.split(" ") for line in below.split("\n")]
    own = [from_base64(part[2]) for part in parts if len(part) == 3 and part[:2] == ["\u2014", key[0]]]
    return [one[4:] for one in own if one[:4] == key[1]]


def open_checkpoint(note, key, *before):
    """Verify the signature, by this key or one of those before, and return size and root. Raises: IsFalse."""
    text, blank, below = note.rpartition("\n\n")
    text += "\n"
    lines = text.split("\n")
    try:
        key = next((one for one in before if signatures_of(below, one)), key)
        found = signatures_of(below, key)
        size, root = int(lines[1]), from_base64(lines[2], 32)
        is_whole = [blank, lines[1], len(lines), below[-1:]] == ["\n\n", str(size), 4, "\n"]
        if not is_whole or not 0 < size <= LARGEST:
            raise ValueError("something else stands there")
    except (ValueError, IndexError):
        raise IsFalse("checkpoint_is_written") from None
    equal("checkpoint_is_of_its_log", key[0], lines[0])
    if not found or not all(is_signed(key[2], text.encode(), one) for one in found):
        raise IsFalse("checkpoint_is_signed", key[0], "-")
    return size, root


# --- The tree, RFC 6962 --------------------------------------------------------------------------------------------
def sha(data):
    """Return SHA-256."""
    return hashlib.sha256(data).digest()


def root_of(leaves):
    """Return the root, by the definition: the largest power of two goes to the left."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\1" + root_of(leaves[:k]) + root_of(leaves[k:]))


# --- Files ---------------------------------------------------------------------------------------------------------
class Source:
    """A folder or an address with the files of a log."""

    def __init__(self, place, keep=""):
        self.place, self.keep, self.told = place.rstrip("/"), keep, None

    def read(self, name):
        """Return a file. Raises: Unchecked."""
        try:
            if self.place.startswith(("https://", "http://")):
                with urllib.request.urlopen(self.place + "/" + name, timeout=30) as answer:  # noqa: S310
                    data = answer.read(LONGEST_FILE + 1)
            else:
                data = (Path(self.place) / name).read_bytes()
        except OSError as error:
            raise Unchecked("%s: %s" % (name, error)) from None
        if len(data) > LONGEST_FILE:
            raise Unchecked("%s: more than %d bytes" % (name, LONGEST_FILE))
        if self.keep:
            copy = Path(self.keep) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(data)
        return data

    def text(self, name):
        """Return a file as text. Raises: Unchecked, UnicodeDecodeError."""
        return self.read(name).decode()

    def key(self, given):
        """Return the keys from the given one on, or from the first beside the files. Raises: IsFalse, Unchecked."""
        text = self.text("keys")
        self.changes = [line.split(" ") for line in text.split("\n")[1:-1]]
        return read_keys(text, given)

    def bundles(self, kind, size):
        """Yield the files of one kind that a log of this size has. Raises: Unchecked."""
        for index in range(-(-size // 256)):
            width = min(256, size - index * 256)
            digits = re.findall("...", "%0*d" % (-(-len(str(index)) // 3) * 3, index))
            name = "/".join(["x" + three for three in digits[:-1]] + digits[-1:])
            name += "" if width == 256 else ".p/%d" % width
            yield self.read("tile/%s/%s" % (kind, name)), width

    def entries(self, size):
        """Yield the statements in order. Raises: Unchecked, IsFalse."""
        for data, width in self.bundles("entries", size):
            at = 0
            for _number in range(width):
                length = int.from_bytes(data[at : at + 2], "big")
                entry = data[at + 2 : at + 2 + length]
                if at + 2 > len(data) or len(entry) != length:
                    raise Unchecked("tile/entries: a file that ends too early")
                yield entry
                at += 2 + length
            if at != len(data):
                raise Unchecked("tile/entries: a file that is too long")

    def leaves(self, size):
        """Return the hashes of all statements. Raises: Unchecked."""
        found = []
        for data, width in self.bundles("0", size):
            if len(data) != 32 * width:
                raise Unchecked("tile/0: a file of another length")
            found += [data[at : at + 32] for at in range(0, len(data), 32)]
        return found


# --- What is checked -----------------------------------------------------------------------------------------------
def whole(text):
    """Read a whole number below 2^53. Raises: ValueError, for 1.5, 1e3 and NaN as well."""
    if abs(int(text)) > LARGEST:
        raise ValueError("%s is beyond 2^53 - 1" % text)
    return int(text)


def has_null(value, deep=100):
    """Say whether a null stands anywhere inside, or anything deeper than this."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or deep < 0 or any(has_null(part, deep - 1) for part in parts)


def once(pairs):
    """Return an object none of whose names comes twice. Raises: ValueError."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name that comes twice")
    return dict(pairs)


def strict(text):
    """Read JSON of whole numbers, without nulls and names that come twice. Raises: ValueError, RecursionError."""
    numbers = dict.fromkeys(("parse_int", "parse_float", "parse_constant"), whole)
    value = json.loads(text, object_pairs_hook=once, **numbers)
    if has_null(value):
        raise ValueError("a null, or too many parts inside each other")
    return value


def canonical(value):
    """Return the one way in which a value is written."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def check_entry(data, seq, pool):
    """Check that a statement is written in the one way and names its place and pool. Raises: IsFalse."""
    try:
        text = data.decode()
        value = strict(text)
        demand(value, {"body": {}})
        if not canonical(value) == text == unicodedata.normalize("NFC", text):
            raise ValueError("it is written otherwise")
    except FAULTS:
        raise IsFalse("entry_is_canonical", about=seq) from None
    told = (value.get("v"), value.get("pool"), value.get("seq"))
    if told != (1, pool, seq) or isinstance(told[0], bool) or isinstance(told[2], bool):
        raise IsFalse("entry_names_its_place", (1, pool, seq), told, about=seq)


def check_root(code, leaves, root):
    """Compare the root of these hashes with the signed one. Raises: IsFalse."""
    equal(code, root.hex(), root_of(leaves).hex(), len(leaves))


def signed_entries(source, key):
    """Return all statements, once they have the signed root. Raises: IsFalse, Unchecked."""
    if source.told is None:
        size, root = open_checkpoint(source.text("checkpoint"), key)
        entries = list(source.entries(size))
        for seq, entry in enumerate(entries):
            check_entry(entry, seq, key[0].rsplit("/", 1)[-1])
        check_root("entries_have_the_signed_root", [sha(b"\0" + entry) for entry in entries], root)
        told = [one["body"] for one in map(json.loads, entries[: size - 1]) if one["type"] == "key.rotate"]
        equal("keys_are_in_the_log", [[body["new"], body["signature"]] for body in told], source.changes)
        source.told = entries
    return source.told


def check_log(source, given):
    """Check the whole log; return what to say. Raises: IsFalse, Unchecked."""
    key = source.key(given)
    return truly("log", len(signed_entries(source, key)), key[0])


def check_history(old, source, given):
    """Check that the log of before is the beginning of the log of now. Raises: IsFalse, Unchecked."""
    key = source.key(given)
    before, old_root = open_checkpoint(Path(old).read_bytes().decode(), key, *key[4:])
    size, root = open_checkpoint(source.text("checkpoint"), key)
    if size < before:
        raise IsFalse("log_only_grows", before, size)
    leaves = source.leaves(size)
    check_root("hashes_have_the_signed_root", leaves, root)
    check_root("nothing_was_rewritten", leaves[:before], old_root)
    return truly("history", before, size)


# --- Witnesses -----------------------------------------------------------------------------------------------------
def read_policy(text):
    """Return the log's key, the witnesses by name, the groups and the quorum. Raises: Unchecked, IsFalse."""
    log, witnesses, groups, quorum, keys = None, {}, {}, "", set()
    for line in text.split("\n"):
        words = line.split()
        if words[:1] == ["log"] and len(words) > 1:
            log = words[1]
        elif words[:1] == ["witness"] and len(words) > 2:
            witnesses[words[1]] = read_key(words[2], (4, 6))
            if witnesses[words[1]][2] in keys:
                raise IsFalse("witness_counts_once", "-", words[1])
            keys.add(witnesses[words[1]][2])
        elif words[:1] == ["group"] and len(words) > 3:
            groups[words[1]] = ({"any": 1, "all": len(words) - 3}.get(words[2]) or int(words[2]), words[3:])
        elif words[:1] == ["quorum"] and len(words) == 2:
            quorum = words[1]
    if log is None or quorum in {"", "none"}:
        raise Unchecked("policy: it asks for no witness")
    return log, witnesses, groups, quorum


def is_cosigned(witness, text, at, signature):
    """Tell whether a witness has signed a checkpoint's text at that time. Raises: Unchecked, ValueError."""
    name, _key_id, public, kind = witness
    if kind == 4:
        return is_signed(public, ("cosignature/v1\ntime %d\n%s\n" % (at, text)).encode(), signature)
    try:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
    except ImportError:
        raise Unchecked("ML-DSA-44 of %s: install the package cryptography" % name) from None
    origin, size, root = text.encode().split(b"\n")
    named = bytes([len(name.encode())]) + name.encode() + at.to_bytes(8, "big")
    named += bytes([len(origin)]) + origin + bytes(8) + int(size).to_bytes(8, "big")
    message = b"subtree/v1\n\0" + named + from_base64(root.decode(), 32)
    with contextlib.suppress(Exception):  # the library's own, which has no name here
        return MLDSA44PublicKey.from_public_bytes(public).verify(signature, message) is None
    return False


def time_of(note, witness, now):
    """Return when a witness has signed the checkpoint, None where it has not. Raises: IsFalse, Unchecked."""
    text, _blank, below = note.rpartition("\n\n")
    at = None
    for signature in signatures_of(below, witness):
        at = int.from_bytes(signature[:8], "big")
        if not is_cosigned(witness, text, at, signature[8:]):
            raise IsFalse("cosignature_is_signed", witness[0], "-")
        if at > now + 300:
            raise IsFalse("cosignature_is_of_the_past", now, at)
    return at


def has_witnessed(name, signed, groups):
    """Say whether a witness, or enough of a group, have signed. Raises: Unchecked for a name that is not defined."""
    if name in signed:
        return signed[name] is not None
    if name not in groups:
        raise Unchecked("policy: %s is not defined" % name)
    needed, members = groups[name]
    return sum(has_witnessed(member, signed, groups) for member in set(members)) >= needed


def check_witnesses(source, policy):
    """Check that enough witnesses have signed the log; return what to say. Raises: IsFalse, Unchecked."""
    checkpoint, now, signed, unknown = source.text("checkpoint.witnessed"), int(time.time()), {}, {}
    try:
        log, witnesses, groups, quorum = read_policy(Path(policy).read_bytes().decode())
        key = source.key(log)
        size, _root = open_checkpoint(checkpoint, key, *key[4:])
        for name, witness in witnesses.items():
            try:
                signed[name] = time_of(checkpoint, witness, now)
            except Unchecked as error:
                signed[name], unknown[name] = None, error
    except FAULTS as error:
        raise Unchecked("policy: %s" % error) from None
    count = sum(at is not None for at in signed.values())
    if not has_witnessed(quorum, signed, groups):
        # Whose signature cannot be computed here counts neither for the log nor against it.
        if has_witnessed(quorum, {**signed, **unknown}, groups):
            raise next(iter(unknown.values()))
        raise IsFalse("enough_witnesses_have_signed", groups.get(quorum, (1,))[0], count)
    return truly("witnesses", count, size, key[0])


# --- The roll of a period and its tree -----------------------------------------------------------------------------
TAG, OWN = b"huzhu/roll/v1", 0x80


def u64(*numbers):
    """Write numbers in eight bytes each. Raises: IsFalse for one that is no amount."""
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= LARGEST:
            raise IsFalse("amount_in_range", "0 … 2^53 - 1", number)
    return b"".join(number.to_bytes(8, "big") for number in numbers)


def place_bytes(pool, period):
    """Return pool and period as commitments and heads have them."""
    return sha(b"huzhu/v1/pool\0" + pool.encode())[:16] + u64(period)


def commitment_of(secret, whose, pool, period):
    """Return the salt of a member's secret, and the commitment to whom it is of."""
    place, text = place_bytes(pool, period), whose.encode()
    inner = sha(b"huzhu/v1/id\0" + secret + len(text).to_bytes(2, "big") + text)
    salt = sha(b"huzhu/v1/salt" + hmac.new(secret, b"huzhu/v1/commit", hashlib.sha256).digest() + place)
    return salt, sha(b"huzhu/v1/commitment" + place + salt + inner)


class Tree:
    """The tree over lines that come one after the other; only the roots of whole subtrees are kept.

    The figures of a node are one number, a field of 64 bits for each: they are added, and written, at once.
    """

    def __init__(self, classes):
        self.classes, self.width, self.whole = classes, 8 * (2 * classes + 1), []
        self.units = {place: 1 << 64 * (2 * classes - place) for place in range(classes)}
        self.units.update({place | OWN: 1 << 64 * (classes - place) for place in range(classes)})

    def leaf(self, record):
        """Return figures and hash of a line of 41 bytes. Raises: IsFalse."""
        kind = record[32]
        if kind not in self.units:
            raise IsFalse("class_is_of_the_roll", self.classes, kind)
        figures = self.units[kind] + (int.from_bytes(record[33:], "big") if kind & OWN else 0)
        return figures, hashlib.sha256(b"\x10" + TAG + record).digest()

    def add(self, record):
        """Take the next line. Raises: IsFalse."""
        (figures, hashed), size = self.leaf(record), 1
        while self.whole and self.whole[-1][0] == size:
            _size, left, left_hash = self.whole.pop()
            figures, hashed = self.above(left, left_hash, figures, hashed)
            size *= 2
        self.whole.append((size, figures, hashed))

    def above(self, left, left_hash, right, right_hash):
        """Return the node above two. Raises: IsFalse."""
        if (left + right) & (2**64 - 1) > LARGEST:
            raise IsFalse("amount_in_range", "0 … 2^53 - 1", (left + right) & (2**64 - 1))
        both = left.to_bytes(self.width, "big") + left_hash + right.to_bytes(self.width, "big") + right_hash
        return left + right, hashlib.sha256(b"\x11" + TAG + both).digest()

    def root(self):
        """Return figures and hash of all lines: the last ones without a neighbor go up as they are."""
        figures, hashed = self.whole[-1][1:] if self.whole else (0, sha(b""))
        for _size, left, left_hash in reversed(self.whole[:-1]):
            figures, hashed = self.above(left, left_hash, figures, hashed)
        return figures, hashed

    def fields(self, figures):
        """Return the counts of a node and its own amounts, one by one."""
        data = figures.to_bytes(self.width, "big")
        return [int.from_bytes(data[at : at + 8], "big") for at in range(0, len(data), 8)]


def sides(index, size):
    """Return on which sides the siblings of a leaf stand, from the leaf upwards, by the definition."""
    if size == 1:
        return ""
    k = 1 << (size - 1).bit_length() - 1
    return sides(index, k) + "R" if index < k else sides(index - k, size - k) + "L"


def walk(tree, record, index, size, path):
    """Return figures and hash of the root to which a path leads. Raises: IsFalse, ValueError."""
    found, before = tree.leaf(record), 0
    wanted = list(sides(index, size)) if 0 <= index < size else "?"
    equal("path_fits_its_place", wanted, [step[0] for step in path])
    for side, counts, own, hashed in path:
        if len(counts) != 2 * tree.classes:
            raise ValueError("a step of the path with other classes")
        sibling = int.from_bytes(u64(*counts, own), "big"), from_base64(hashed, 32)
        if sum(counts) < 1:
            raise IsFalse("sibling_has_members", 1, 0)
        before += sum(counts) if side == "L" else 0
        found = tree.above(*sibling, *found) if side == "L" else tree.above(*found, *sibling)
        u64(*tree.fields(found[0]))
    equal("left_members_are_my_index", index, before)
    return found


def check_head(body, tree, root, pool):
    """Hold a root against what the log says of the roll. Raises: IsFalse."""
    fields, hashed = tree.fields(root[0]), root[1]
    equal("root_is_the_stated_one", [body["root"], *body["tree"], body["x"]], [hashed.hex(), *fields])
    figures = u64(len(body["classes"]), *fields)
    head = sha(b"\x12" + TAG + place_bytes(pool, body["period"]) + figures + hashed)
    equal("head_is_the_stated_one", [body["head"], body["n"]], [head.hex(), sum(fields[:-1])])


def check_bill(frozen, announced, closed, roll, terms=None):
    """Hold what a period charges against its rolls, and return the rate of each class. Raises: IsFalse."""
    size = len(roll["classes"])
    members = [roll["tree"][at] + roll["tree"][size + at] for at in range(size)] + [0] * size
    stated = [frozen[name] for name in ("classes", "tree", "x")]
    equal("members_are_those_frozen", stated, [roll["classes"], members, 0])
    rates, weights, billed, own = {}, {}, {}, 0
    for class_no, weight, count, share, *cap in closed["classes"]:
        u64(count, share, *cap)
        if weight < 1 or len(cap) > 1:
            raise IsFalse("amount_in_range", "1 … 2^53 - 1", weight)
        equal("rates_follow_from_the_need", weights.setdefault(class_no, weight), weight)
        rates[class_no] = max(share, rates.get(class_no, 0))
    for class_no, _weight, count, share, *_cap in closed["classes"]:
        is_own = share < rates[class_no]
        billed[class_no, is_own] = billed.get((class_no, is_own), 0) + count
        own += count * share if is_own else 0
    wanted = [billed.get((class_no, is_own), 0) for is_own in (False, True) for class_no in roll["classes"]]
    counted = [*roll["tree"], sum(roll["tree"]), roll["x"]]
    equal("bill_counts_are_those_of_the_roll", counted, [*wanted, sum(billed.values()), own])
    rate = [rates.get(class_no, 0) for class_no in roll["classes"]]
    total = sum(roll["tree"][at] * rate[at] for at in range(size)) + roll["x"]
    equal("sum_is_of_the_roll", total, closed["S"])
    u64(*(closed[name] for name in (*COMES_IN, *GOES_OUT) if name != "W"))
    equal("identity_holds", sum(closed[name] for name in GOES_OUT), sum(closed[name] for name in COMES_IN))
    check_rates(closed, terms)
    check_cases(announced, closed)
    return rate


def check_rates(closed, terms=None):
    """Demand that shares follow from the need, the weights and the caps. Raises: IsFalse."""
    rows = [(*row[1:4], row[4] if len(row) > 4 else None) for row in closed["classes"]]
    need = sum(closed[name] for name in ("A", "W", "fee", "R")) - closed["C_in"]
    charged = sum(count for _weight, count, share, _cap in rows if share)
    left = need - closed["V"] - closed["E"]
    if closed["C_out"] and left > 0 and closed["C_out"] >= charged:
        raise IsFalse("carry_is_less_than_the_charged", "< %d" % charged, closed["C_out"])
    # How a plan shares what caps keep from the members stands in its rules; a member's own proof does not bring them.
    on_cap = None if terms is None else terms.get("on_cap", "redistribute")
    of_cases = closed["E"] if terms is None or "per_case_cap_fen" in terms else 0
    if (closed["V"] or closed["E"]) and not closed["C_out"]:
        # Others bear what caps keep: all are at the cap, or the shares are by weight below it and nothing is left over.
        # What a sponsor bears of a dear case leaves the need before it is shared.
        if on_cap != "reserve_pays" and all(share == cap for _weight, _count, share, cap in rows):
            return
        if on_cap != "redistribute" and has_one_level(rows, need - of_cases, need):
            return
    equal("rates_follow_from_the_need", 0, closed["V"])
    need -= of_cases
    if on_cap != "redistribute" and need > 0 and has_one_level(rows, need, need):
        return  # what caps keep is less than rounding up brings: nobody else bears anything
    if on_cap == "reserve_pays" and need > 0:
        raise IsFalse("rates_follow_from_the_need", need, [row[2] for row in rows])
    # Whoever would bear the cap or more by weight pays the cap; the others bear the rest, until nobody more meets it.
    free, full = list(rows), rows
    while need > 0 and full:
        weights = sum(weight * count for weight, count, _share, _cap in free)
        full = [row for row in free if row[3] is not None and need * row[0] >= row[3] * weights]
        need, free = need - sum(row[1] * row[3] for row in full), [row for row in free if row not in full]
    for row in rows:
        part = -(-need * row[0] // weights) if need > 0 and weights and row in free else 0
        equal("rates_follow_from_the_need", part if row in free else row[3], row[2])


def has_one_level(rows, least, most):
    """Say whether of some need from least to most each share is the part by weight, rounded up, or else the cap."""
    weights = sum(weight * count for weight, count, _share, _cap in rows)
    for weight, _count, share, cap in rows:
        least = max(least, (share - 1) * weights // weight + 1 if share else least)
        most = most if share == cap else min(most, share * weights // weight)
    return bool(weights) and least <= most


def check_cases(announced, closed):
    """Demand that no case was added after its announcement. Raises: IsFalse; KeyError where only a hash is stated."""
    demand({"closed": closed["cases"], "announced": announced["cases"]}, {"closed": [""], "announced": [[]]})
    demand([case[0] for case in announced["cases"]], [""])
    equal("cases_were_announced", [], sorted(set(closed["cases"]) - {case[0] for case in announced["cases"]}))


def proven(told, hashes, pool, size, root):
    """Return seq and envelope of a statement in the signed log. Raises: IsFalse, IndexError, ValueError."""
    index, data, path = told["index"], told["entry"].encode(), [hashes[at] for at in told["path"]]
    if min([index, *told["path"]]) < 0:
        raise ValueError("a place below nothing")
    check_entry(data, index, pool)
    found, shape = sha(b"\0" + data), sides(index, size) if index < size else "-" * (len(path) + 1)
    for side, sibling in zip(shape, path):  # noqa: B905
        found = sha(b"\1" + (sibling + found if side == "L" else found + sibling))
    if len(shape) != len(path) or found != root:
        raise IsFalse("statement_stands_in_the_log", root.hex(), found.hex(), about=index)
    return index, json.loads(told["entry"])


MINE = (
    "True: member {0} of {1} is charged {2} fen in period {3}, one of {4} members, {5} fen in all.",
    "属实：{1} 的 {0} 号成员在第 {3} 期分摊 {2} 分；共 {4} 名成员，合计 {5} 分。",
)
KINDS = ("roll.freeze", "period.announce", "period.close", "roll.close")
COMES_IN, GOES_OUT = ("S", "E", "V", "C_in"), ("A", "W", "fee", "R", "C_out")
# How things are written, by an example of each part: lists are as long as they are, tuples are lists of this length.
LINE = {"commitment": "", "index": 0, "class": 0, "is_own": True, "fen": 0}
BUNDLE = {"period": 0, "member": {"member_no": 0, "doc_kind": "", "salt": ""}, "leaf": LINE}
BUNDLE.update(path=[("", [0], 0, "")], frozen_path=[""], checkpoint="", hashes=[""])
BUNDLE.update(entries={kind: {"entry": "", "index": 0, "path": [0]} for kind in KINDS})
ROLL = {"classes": [0], "tree": [0], "x": 0, "n": 0, "root": "", "head": ""}
BILL = {"classes": [[0]], **dict.fromkeys(COMES_IN + GOES_OUT, 0)}


def demand(value, example):
    """Demand that a value is written as the example is. Raises: LookupError, TypeError."""
    is_row = isinstance(example, tuple)
    if type(value) is not (list if is_row else type(example)) or (is_row and len(value) != len(example)):
        raise TypeError("%r in the place of %r" % (value, example))
    for name in example if isinstance(example, dict) else ():
        demand(value[name], example[name])
    if isinstance(value, list):
        for one, like in zip(value, example if is_row else example * len(value)):  # noqa: B905
            demand(one, like)


def bodies(told):
    """Return what four statements say, each as it is written. Raises: LookupError, TypeError."""
    demand(told, {"roll.freeze": ROLL, "period.close": BILL, "roll.close": ROLL})
    return [told[kind] for kind in KINDS]


def check_member(given):
    """Check a member's own bundle; return what to say. Raises: IsFalse, Unchecked."""
    try:
        bundle = strict(Path(given.bundle).read_bytes().decode())
        demand(bundle, BUNDLE)
        if bundle["format"] != "huzhu-proof/2":
            raise ValueError("its format is another one")
        key = read_keys(bundle.get("keys", bundle["key"] + "\n"), given.key)
        pool, head = key[0].rsplit("/", 1)[-1], open_checkpoint(bundle["checkpoint"], key)
        hashes, told = [from_base64(one, 32) for one in bundle["hashes"]], bundle["entries"]
        return check_line(given, bundle, pool, [proven(told[kind], hashes, pool, *head) for kind in KINDS])
    except FAULTS as error:
        raise Unchecked("bundle: %s %s" % (type(error).__name__, error)) from None


def check_line(given, bundle, pool, told):
    """Check a member's line against what the log states of its period. Raises: IsFalse, Unchecked."""
    period, member, line = bundle["period"], bundle["member"], bundle["leaf"]
    stated = [[one["type"], one["body"]["period"]] for _seq, one in told]
    demand(stated, [("", 0)])
    equal("statements_are_of_the_period", [[kind, period] for kind in KINDS], stated)
    equal("freeze_announce_close_in_order", sorted({seq for seq, _one in told}), [seq for seq, _one in told])
    frozen, announced, closed, roll = bodies({one["type"]: one["body"] for _seq, one in told})
    tree = Tree(len(roll["classes"]))
    secret = from_base64(given.secret or bundle["id_inner"]["secret"], 32)
    mine = from_base64(line["commitment"], 32)
    number = re.sub(r"[\s-]", "", given.id or "").upper()
    whose = "%s|%s|%d" % (member["doc_kind"], number if member["doc_kind"] else "", member["member_no"])
    salt, commitment = commitment_of(secret, whose, pool, period)
    if given.id is not None or not member["doc_kind"]:
        equal("commitment_is_mine", commitment.hex(), mine.hex())
        equal("salt_is_mine", salt.hex(), from_base64(member["salt"]).hex())
    rates = check_bill(frozen, announced, closed, roll)
    named, at = mine + bytes([line["class"]]) + bytes(8), line["index"]
    before = frozen_path(tree.classes, bundle["path"], bundle["frozen_path"])
    check_head(frozen, tree, walk(tree, named, at, frozen["n"], before), pool)
    record = mine + bytes([line["class"] | (OWN if line["is_own"] else 0)]) + u64(line["fen"])
    check_head(roll, tree, walk(tree, record, at, roll["n"], bundle["path"]), pool)
    check_amount(line["fen"], rates[line["class"]], line["is_own"])
    if given.id is None and member["doc_kind"]:
        raise Unchecked(
            "All else is true. Give --id, the number of your document: only by it you see that the line is yours alone."
            "\n其余均属实。请用 --id 给出您的证件号码：只有这样才能确认这一行只属于您。"
        )
    figures = member["member_no"], pool, line["fen"], period, roll["n"], closed["S"]
    return [text.format(*figures) for text in MINE]


def frozen_path(classes, path, hashes):
    """Return the way before there were amounts: the same members, all at the rate. Raises: IsFalse."""
    equal("path_fits_its_place", len(path), len(hashes))
    sides_and_counts = [(side, zip(counts[:classes], counts[classes:])) for side, counts, *_rest in path]  # noqa: B905
    members = [(side, [sum(both) for both in counts] + [0] * classes, 0) for side, counts in sides_and_counts]
    return [(*step, hashed) for step, hashed in zip(members, hashes)]  # noqa: B905


def check_amount(fen, rate, is_own):
    """Demand that an amount is the rate of its class, or an own one below it. Raises: IsFalse."""
    if not is_own:
        equal("amount_is_the_rate", rate, fen)
    elif fen >= rate:
        raise IsFalse("own_amount_is_below_the_rate", "< %d" % rate, fen)


def check_roll(source, period, given):
    """Check every line of the roll of a period; return what to say. Raises: IsFalse, Unchecked."""
    key = source.key(given)
    pool, told = key[0].rsplit("/", 1)[-1], {}
    for seq, entry in enumerate(signed_entries(source, key)):
        value = json.loads(entry.decode())
        if value["type"] in KINDS and value["body"].get("period") == period:
            told[value["type"]] = (seq, value["body"])
    try:
        seqs = [told[kind][0] for kind in KINDS]
        equal("freeze_announce_close_in_order", sorted(set(seqs)), seqs)
        frozen, announced, closed, roll = bodies({kind: told[kind][1] for kind in KINDS})
        return check_lines(source, pool, frozen, roll, check_bill(frozen, announced, closed, roll))
    except FAULTS as error:
        raise Unchecked("period %d: %s %s" % (period, type(error).__name__, error)) from None


def check_lines(source, pool, frozen, roll, rate):
    """Check the lines of a roll against both stated rolls, frozen and with amounts. Raises: IsFalse, Unchecked."""
    at_freeze, at_close, count, last = Tree(len(roll["classes"])), Tree(len(roll["classes"])), 0, b""
    period = roll["period"]
    for part in range(-(-roll["n"] // 65536)):
        data = source.read("roll/%d/part/%d" % (period, part))
        for at in range(0, len(data), 41):
            record = data[at : at + 41]
            if len(record) != 41:
                raise Unchecked("roll/%d/part/%d: a file that ends too early" % (period, part))
            if record[:32] <= last:
                raise IsFalse("commitments_rise", "> " + last.hex(), record[:32].hex(), about=count)
            last, kind, fen = record[:32], record[32], int.from_bytes(record[33:], "big")
            if fen > LARGEST:
                raise IsFalse("amount_in_range", "0 … 2^53 - 1", fen)
            at_close.add(record)
            at_freeze.add(last + bytes([kind & 0x3F]) + bytes(8))
            check_amount(fen, rate[kind & 0x3F], bool(kind & OWN))
            count += 1
    equal("records_are_as_many_as_members", roll["n"], count)
    check_head(frozen, at_freeze, at_freeze.root(), pool)
    check_head(roll, at_close, at_close.root(), pool)
    return truly("roll", count, period)


# --- The cash book -------------------------------------------------------------------------------------------------
BANK_IN = ("collection", "debited", "top_up", "unidentified", "returned", "interest", "referral", "sponsor")
BANK_OUT = ("payment", "chargeback", "debit_back", "bank_fee", "unexplained")
ORDERS = ("aid", "refund", "fee", "wallet", "balance", "shares", "cost")
# The accounts that never go below nothing, by the side on which they grow. 101 is the bank, 270 what is on its way out.
OWED = ("250", "201", "210", "220", "230", "235", "240", "260")
GROWS = {"110": 1, "120": 1, **dict.fromkeys(OWED, -1)}
MEMBERS_MONEY = ("210", "220", "235", "250", "260")
BILLED = ("S", "A", "fee", "E", "C_in", "C_out", "V", "R")
COLLECTED = ("charged", "collected", "written_off", "arrears", "exits")
# How each statement of money is written, by an example of its parts, and what only some of them have.
DAY = {"account": {"sha256": ""}, "classes": [("", 0, 0)], "settled": [(0, "", 0)], "settled_count": 0}
CLOSED = {"period": 0, "cases": [""], "plan": {"version": 0, "sha256": ""}, **dict.fromkeys(BILLED, 0)}
STATED = {
    **{"policy.set": {}, "roll.freeze": {"period": 0}, "roll.close": {"period": 0}, "period.close": CLOSED},
    "book.entry": {"number": 0, "key": "", "postings": [("", "", 0)]},
    "bank.day": {**DAY, "from": "", "to": "", "opening": 0, "closing": 0},
    "pay.order": {"order": 0, "kind": "", "for": "", "fen": 0, "payee": ""},
    "claim.decide": {"ref": "", "outcome": ""},
    "claim.public": {"ref": "", "case": "", "aid": 0},
    "award.adjust": {"case": "", "is": 0},
    "rule.publish": {"version": 0, "terms": {}, "terms_sha256": ""},
    "collect.close": {"open": [(0, 0)], **dict.fromkeys(("period", *COLLECTED), 0)},
    "period.announce": {"period": 0, "books_upto": 0, "publicity_end": "", "cases": [("", 0)]},
}
OPTIONAL = {"custody_account": {"sha256": ""}, "deciders": [""], "rest": "", "fee_back": 0}


class CashBook:
    """What the log states of money, taken statement by statement; each is held against all before it."""

    def __init__(self):
        self.balance, self.carried, self.journal, self.reversed = {}, [0], {}, set()
        self.days, self.custody, self.rules, self.periods = None, None, {}, {}
        self.decided, self.published, self.awarded, self.period_of = {}, {}, {}, {}
        self.granted, self.orders, self.gone, self.settled, self.not_listed = set(), {}, set(), {}, 0
        self.collected, self.before, self.given_back = set(), 0, {}

    def take(self, seq, value):
        """Take a statement. Raises: IsFalse; KeyError and the like for one that lacks something."""
        if value["type"] in STATED:
            own = {name: OPTIONAL[name] for name in OPTIONAL if name in value["body"]}
            demand(value, {"at": "", "body": {**STATED[value["type"]], **own}})
            if value["type"] in KINDS:
                self.step(value["body"], value["type"])
            if value["type"] != "roll.freeze":
                getattr(self, value["type"].replace(".", "_"))(value["body"], seq, value["at"][:10])

    def of(self, account):
        """Return what an account holds, debits above nothing."""
        return self.balance.get(account, 0)

    def book_entry(self, body, seq, _day):
        """An entry of the journal: it balances, comes once, overdraws nothing, and corrects only by the mirror."""
        sums, lines = {"D": 0, "C": 0}, []
        for account, side, fen in body["postings"]:
            u64(fen)
            sums[side] += fen
            self.balance[account] = self.of(account) + (fen if side == "D" else -fen)
            lines.append((account, side, fen))
        equal("entry_balances", sums["D"], sums["C"], seq)
        number, key, at = body["number"], body["key"], len(self.carried)
        if number != at or key in self.journal:
            raise IsFalse("entry_is_posted_once", at, "%d %s" % (number, key), seq)
        self.journal[key] = self.journal[number] = lines
        self.carried.append(-self.of("240"))
        if "reverses" in body:
            of = body["reverses"]
            mirror = sorted((one, "DC"[side == "D"], fen) for one, side, fen in self.journal.get(of, ()))
            if of in self.reversed or mirror != sorted(lines):
                raise IsFalse("reversal_mirrors_its_entry", mirror, sorted(lines), seq)
            self.reversed.add(of)
        for account, sign in GROWS.items():
            left = sign * self.of(account)
            if left < 0:
                raise IsFalse("account_is_not_overdrawn", ">= 0", "%s: %d" % (account, left), seq)
        kind, _slash, case = key.partition("/")
        if kind == "award":
            equal("award_is_posted_as_announced", self.awarded.get(case), self.posted(key, "201", "C"), seq)
            self.granted.add(case)
        if kind == "opening":
            self.before += self.posted(key, "110", "D")
        if kind == "payment" and case.endswith(("/cancelled", "/undone")):
            self.gone.add(int(case.split("/")[0]))

    def posted(self, key, account, side):
        """Return what an entry posts to a side of an account."""
        return sum(fen for one, on, fen in self.journal.get(key, ()) if (one, on) == (account, side))

    def policy_set(self, body, _seq, _day):
        """The account of the members' money, or who witnesses."""
        if "custody_account" in body:
            self.custody = body["custody_account"]["sha256"]

    def bank_day(self, body, _seq, _day):
        """A day or more of the bank: it goes on where the last ended, adds up, and pays what was ordered, once."""
        equal("account_is_the_custody_account", self.custody, body["account"]["sha256"])
        if self.days is not None:
            day = datetime.date.fromisoformat(self.days["to"]) + datetime.timedelta(days=1)
            wanted = (str(day), self.days["closing"])
            equal("bank_day_follows_the_last", wanted, (body["from"], body["opening"]))
        self.days, sums = body, {}
        for kind, count, fen in body["classes"]:
            u64(count, fen)
            if kind not in BANK_IN + BANK_OUT or kind in sums:
                raise IsFalse("bank_class_is_known", " ".join(BANK_IN + BANK_OUT), kind)
            sums[kind] = fen
        come = sum(sums.get(kind, 0) for kind in BANK_IN) - sum(sums.get(kind, 0) for kind in BANK_OUT)
        equal("bank_day_sums", body["opening"] + come, body["closing"])
        equal("books_have_the_banks_balance", body["closing"], self.of("101"))
        paid = {"payment": 0, "returned": 0}
        for number, kind, fen in body["settled"]:
            before = self.settled.get(number)
            is_due = before is None if kind == "payment" else before != "returned"
            if number not in self.orders or number in self.gone or not is_due:
                raise IsFalse("order_is_settled_once", "-", before or "-", number)
            equal("payments_are_settled_orders", self.orders[number]["fen"], fen)
            self.settled[number] = kind
            paid[kind] += fen
        self.not_listed += body["settled_count"] - len(body["settled"])
        if len(body["settled"]) == body["settled_count"]:
            equal("payments_are_settled_orders", paid, {kind: sums.get(kind, 0) for kind in paid})

    def pay_order(self, body, _seq, day):
        """A payment that is released: it stands in the journal, and has a reason."""
        number, kind, fen = body["order"], body["kind"], u64(body["fen"]) and body["fen"]
        if number in self.orders or kind not in ORDERS:
            raise IsFalse("order_has_a_known_reason", " ".join(ORDERS), kind, number)
        self.orders[number] = body
        sent = self.posted("payment/%d/released" % number, "270", "C")
        equal("order_stands_in_the_journal", fen, sent, number)
        own, left = -sum(self.of(account) for account in MEMBERS_MONEY), self.of("101") + self.of("270")
        if kind in {"aid", "fee"} and left < own:
            raise IsFalse("members_money_is_there", ">= %d" % own, left)
        if kind == "aid":
            self.pay_aid(body, day)
        elif kind == "fee":
            closed = self.periods.get(int(body["for"]), {}).get("period.close", {"fee": 0, "cases": []})
            taken = self.ordered("fee", body["for"])
            most = closed["fee"] - self.given_back.get(int(body["for"]), 0)
            if taken > most:
                raise IsFalse("fee_is_within_its_bill", "<= %d" % most, taken)
            granted = sum(self.awarded.get(case, 0) for case in closed["cases"])
            equal("fee_follows_the_aid", granted, sum(self.ordered("aid", case) for case in closed["cases"]))

    def pay_aid(self, body, day):
        """Aid: of a case that was decided, to the payee of the decision, after its publicity, no more than granted."""
        case = body["for"]
        ref = self.published.get(case.split(".")[0])
        if case not in self.awarded or self.decided.get(ref, {}).get("outcome") != "approved":
            raise IsFalse("payout_follows_a_decision", "approved", case)
        equal("payee_is_the_decided_one", self.decided[ref]["payee"], body["payee"])
        period = self.periods[self.period_of[case]]
        if "period.close" not in period or day < period["period.announce"]["publicity_end"]:
            raise IsFalse("payout_follows_publicity", ">= " + period["period.announce"]["publicity_end"], day)
        sent, most = self.ordered("aid", case), self.awarded[case]
        if sent > most:
            raise IsFalse("payout_is_within_the_award", "<= %d" % most, sent)

    def ordered(self, kind, reason):
        """Return what is ordered for a reason and was neither cancelled nor returned."""
        back = self.gone | {number for number, how in self.settled.items() if how == "returned"}
        orders = [one for number, one in self.orders.items() if number not in back]
        return sum(one["fen"] for one in orders if (one["kind"], one["for"]) == (kind, reason))

    def finish(self):
        """What was granted and not paid is owed: money that comes back is the recipient's again."""
        owed = sum(self.awarded[case] - self.ordered("aid", case) for case in self.granted)
        equal("aid_is_owed_until_it_is_paid", owed, -self.of("201"))

    def claim_decide(self, body, _seq, _day):
        """A decision: who approves is another one than who recommends."""
        deciders = body.get("deciders", ["jury", "arbiter"])
        if body["outcome"] == "approved" and len(set(deciders)) < 2:
            raise IsFalse("decision_has_two_people", ">= 2", len(set(deciders)))
        self.decided[body["ref"]] = body

    def claim_public(self, body, _seq, _day):
        """An approved case gets its public number."""
        decided = self.decided.get(body["ref"], {})
        if decided.get("outcome") != "approved":
            raise IsFalse("payout_follows_a_decision", "approved", body["case"])
        equal("case_is_as_decided", decided["aid"], body["aid"])
        self.published[body["case"]] = body["ref"]

    def award_adjust(self, body, _seq, _day):
        """Less than was announced is shared of a case."""
        before = self.awarded.get(body["case"], 0)
        if not 0 <= body["is"] <= before:
            raise IsFalse("aid_follows_the_announcement", "<= %d" % before, body["is"])
        self.awarded[body["case"]] = body["is"]
        if "rest" in body:
            self.awarded[body["rest"]] = before - body["is"]
            self.granted.add(body["rest"])
        if "fee_back" in body:
            self.give_back(body, before - body["is"])

    def give_back(self, body, less):
        """What was not paid of a case goes to all, with the fee on it, as its entry says."""
        key, back, period = body["entry"], body["fee_back"], self.period_of[body["case"]]
        closed, sent = self.periods[period]["period.close"], self.ordered("aid", body["case"])
        if sent > body["is"]:
            raise IsFalse("payout_is_within_the_award", "<= %d" % body["is"], sent)
        fee = self.posted(key, "230", "D") + self.posted(key, "130", "D")
        found = [self.posted(key, "201", "D"), self.posted(key, "240", "C"), fee]
        equal("revoked_aid_goes_to_all", [less, less + back, back], found)
        self.given_back[period] = self.given_back.get(period, 0) + back
        rest = self.fee_on(closed, sum(self.awarded.get(one, 0) for one in closed["cases"]))
        equal("fee_follows_the_plan", rest, closed["fee"] - self.given_back[period])

    def fee_on(self, closed, aid):
        """Return the fee on some aid by the rules of a period."""
        fee = self.rules[closed["plan"]["version"]]["terms"]["fee"]
        part, whole = (int(one) for one in fee["rate"].split("/"))
        wanted = fee.get("fixed_fen", 0) - (-aid * part // whole)
        return min(wanted, fee.get("ceiling_fen", wanted))

    def rule_publish(self, body, _seq, _day):
        """A version of the rules, as its own hash has them."""
        equal("rules_are_published", body["terms_sha256"], sha(canonical(body["terms"]).encode()).hex())
        self.rules[body["version"]] = body

    def step(self, body, kind):
        """Take a step of a period, which comes once, after the one before it."""
        told = self.periods.setdefault(body["period"], {})
        if kind in told:
            raise IsFalse("period_comes_once", "-", body["period"])
        equal("freeze_announce_close_in_order", kind, KINDS[len(told)])
        told[kind] = body

    def period_announce(self, body, _seq, _day):
        """The cases of a period, with their amounts."""
        for case, fen in body["cases"]:
            u64(fen)
            if case in self.published:
                equal("case_is_as_decided", self.decided[self.published[case]]["aid"], fen)
            self.awarded[case], self.period_of[case] = fen, body["period"]

    def period_close(self, body, _seq, _day):
        """A bill: it is posted as it stands, by the published rules, and what was carried over comes back."""
        told = self.periods[body["period"]]
        key, posted = "period/%d" % body["period"], self.posted
        charged = sum(posted(key, account, "D") for account in ("110", "210", "120"))
        found = [charged, posted(key, "501", "D"), posted(key, "510", "D"), posted(key, "130", "D")]
        found += [posted(key, account, side) for account in ("240", "260") for side in "DC"]
        equal("bill_is_posted_as_stated", [body[name] for name in BILLED], found)
        equal("carry_comes_back", self.carried[told["period.announce"]["books_upto"]], body["C_in"])
        granted = sum(self.awarded.get(one, 0) for one in body["cases"])
        equal("aid_follows_the_announcement", granted, body["A"])
        rules = self.rules.get(body["plan"]["version"])
        equal("rules_are_published", rules and rules["terms_sha256"], body["plan"]["sha256"])
        equal("fee_follows_the_plan", self.fee_on(body, body["A"]), body["fee"])

    def collect_close(self, body, _seq, _day):
        """What came of a bill adds up, and what is open of all periods, of 0 what was before, is in the journal."""
        u64(*(body[name] for name in COLLECTED), *(fen for _number, fen in body["open"]))
        period, told, left = body["period"], self.periods.get(body["period"], {}), self.of("110")
        if period in self.collected:
            raise IsFalse("period_comes_once", "-", period)
        self.collected.add(period)
        before = "period.close" if "period.close" in told else "-"
        equal("freeze_announce_close_in_order", "period.close", before)
        stated = [body["charged"], body["collected"] + body["written_off"] + body["arrears"]]
        equal("collection_adds_up", [told["period.close"]["S"]] * 2, stated)
        numbers = [number for number, _fen in body["open"]]
        stated = [numbers, sum(fen for _number, fen in body["open"])]
        equal("arrears_are_in_the_journal", [sorted(set(numbers)), left], stated)
        for number, fen in body["open"]:
            most = self.posted("period/%d" % number, "110", "D") if number else self.before
            if fen > most:
                raise IsFalse("arrears_are_in_the_journal", "<= %d" % most, fen)
        if self.posted("period/%d" % period, "110", "D") == body["charged"]:
            owed = {number: fen for number, fen in body["open"]}  # noqa: C416 - rows are lists
            equal("arrears_are_in_the_journal", owed.get(period, 0), body["arrears"])

    def roll_close(self, body, _seq, _day):
        """The roll with amounts: the bill is of it, and of the members who were frozen."""
        told = self.periods[body["period"]]
        check_bill(*bodies(told), terms=self.rules[told["period.close"]["plan"]["version"]]["terms"])


def check_book(source, given, account=""):
    """Check everything that the log states of money; return what to say. Raises: IsFalse, Unchecked."""
    key, book = source.key(given), CashBook()
    for seq, entry in enumerate(signed_entries(source, key)):
        try:
            book.take(seq, json.loads(entry.decode()))
        except FAULTS as error:
            raise Unchecked("statement %d: %s %s" % (seq, type(error).__name__, error)) from None
    book.finish()
    if account:
        number = re.sub(r"[\s-]", "", account).upper()
        equal("account_is_the_custody_account", book.custody, sha(number.encode()).hex())
    if book.not_listed:
        raise Unchecked("%d payments are not listed in the log one by one" % book.not_listed)
    return truly("book", len(book.carried) - 1, len(book.orders), book.of("101"), -book.of("201"))


# --- The jury's draw -----------------------------------------------------------------------------------------------
DRAW = b"huzhu/draw/v1"


class Draw:
    """One stage of a case that went to a jury: what the log states of it, held against the published list."""

    def __init__(self, names, rule, leaf_hash, told):
        self.names, self.rule, self.leaf, self.told = names, rule, leaf_hash, told
        self.seq, self.commit = told["draw.commit"][0]

    def check(self):
        """Check what there is of it so far. Raises: IsFalse."""
        self.check_list()
        words = self.words()
        results = self.told.get("draw.result", [])
        equal("draw_is_committed_once", min(len(results), 1), len(results))
        for seq, result in results:
            self.check_result(seq, result, words)
            for at, tally in self.told.get("jury.tally", [])[:1]:
                self.check_tally(seq, at, tally, self.seated())

    def check_list(self):
        """The list is the one that was fixed, and how many are drawn follows from it by the rules."""
        names, commit, rule = self.names, self.commit, self.rule
        content = DRAW + b"/list" + u64(len(names)) + b"".join(names)
        equal("draw_pool_is_the_committed", [commit["n"], commit["head"]], [len(names), sha(content).hex()])
        if any(one >= other for one, other in zip(names, names[1:])):  # noqa: B905, RUF007
            raise IsFalse("draw_pool_is_the_committed", "<", ">=")
        equal("draw_follows_its_plan", rule, commit["rule"])
        quorum = max(rule["quorum"], -(-len(names) * rule.get("quorum_permille", 0) // 1000))
        grown = min(-(-quorum * rule["seats"] // rule["quorum"]), 200)
        seats = min(grown, len(names))
        reserves = min(-(-rule.get("reserves", 0) * grown // rule["seats"]), 200, len(names) - seats)
        wanted = [seats, reserves, min(quorum, -(-rule["quorum"] * grown // rule["seats"]), seats)]
        equal("draw_follows_its_plan", wanted, [commit[name] for name in ("seats", "reserves", "quorum")])

    def words(self):
        """Return the words that were told, each as it was fixed before, and after the list."""
        fixed = {one["number"]: one["commit"] for one in self.commit["beacon"]["witnesses"]}
        found, last = {}, min([seq for seq, _one in self.told.get("draw.result", [])] or [LARGEST])
        for seq, one in self.told.get("draw.reveal", []):
            equal("words_fit_their_hashes", fixed.get(one["witness"]), sha(one["words"].encode()).hex())
            if one["witness"] in found or not self.seq < seq < last:
                raise IsFalse("draw_commits_before_its_words", "%d < … < %d" % (self.seq, last), seq)
            found[one["witness"]] = one["words"].encode()
        if len(fixed) < 3 or (self.told.get("draw.result") and len(found) < 2):
            raise IsFalse("words_fit_their_hashes", ">= 3, >= 2", "%d, %d" % (len(fixed), len(found)))
        return found

    def check_result(self, _seq, result, words):
        """Seed and places follow from the words, names from the places, and who replaces whom from the order."""
        fixed = {one["number"] for one in self.commit["beacon"]["witnesses"]}
        equal("missing_words_are_named", sorted(fixed - set(words)), result["missing"])
        mixed = sha(b"".join(len(one).to_bytes(2, "big") + one for one in sorted(words.values())))
        equal("randomness_is_of_all_words", mixed.hex(), result["randomness"])
        seed = sha(DRAW + self.leaf + mixed)
        equal("seed_is_of_commitment_and_words", seed.hex(), result["seed"])
        places = drawn(seed, len(self.names), self.commit["seats"] + self.commit["reserves"])
        equal("indices_follow_the_seed", places, [place for place, _name in result["drawn"]])
        names = [self.names[place].hex() for place in places]
        equal("drawn_names_stand_at_their_places", names, [name for _place, name in result["drawn"]])

    def seated(self):
        """Return who has a seat in the end. Raises: IsFalse for a reserve out of order."""
        after = self.commit["seats"]
        last, found = after + self.commit["reserves"], set(range(1, after + 1))
        for _seq, one in self.told.get("draw.replace", []):
            equal("reserves_follow_in_order", after + 1 if after < last else None, one.get("by"))
            after = min(after + 1, last)
            found = (found - {one["out"]}) | ({one["by"]} if "by" in one else set())
        return found

    def check_tally(self, drawn_at, tallied_at, tally, seated):
        """Every ballot opens as it was cast, and count and verdict follow."""
        cast = {}
        for seq, one in self.told.get("jury.ballot", []):
            if one["seat"] not in seated or one["seat"] in cast or not drawn_at < seq < tallied_at:
                raise IsFalse("ballots_are_of_seated_jurors", sorted(seated), one["seat"])
            cast[one["seat"]] = one["commit"]
        if tally["outcome"] == "withdrawn":
            return
        opened = tally["ballots"]
        found = [[*one[:2], sha(bytes.fromhex(one[2]) + one[3].encode()).hex()] for one in opened]
        wanted = [[seat, cast[seat], cast[seat]] for seat in sorted(cast)]
        equal("votes_open_as_they_were_cast", wanted, found)
        votes = [vote for *_seat, vote in opened]
        wanted = [votes.count("for"), votes.count("against"), self.commit["quorum"]]
        equal("tally_is_the_sum_of_the_votes", wanted, [tally[name] for name in ("for", "against", "quorum")])
        ahead, outcome = wanted[0] * 1000 - len(votes) * self.rule["threshold_permille"], "refused"
        if len(votes) < wanted[2] or not votes:
            outcome = "no_quorum"
        elif ahead > 0 or (ahead == 0 and self.rule.get("inclusive")):
            outcome = "granted"
        equal("verdict_follows_the_rule", outcome, tally["outcome"])


def drawn(seed, size, count):
    """Return the places that a seed draws. A block of the last, incomplete round of 2^64 would favor some."""
    found, counter = [], 0
    while len(found) < min(count, size):
        block = int.from_bytes(sha(seed + counter.to_bytes(4, "big"))[:8], "big")
        counter += 1
        if block // size < 2**64 // size and block % size not in found:
            found.append(block % size)
    return found


def check_draw(source, case, given):
    """Check every stage of the jury of a case, or of all cases; return what to say. Raises: IsFalse, Unchecked."""
    key, rules, stages, leaves, cases = source.key(given), {}, {}, {}, {}
    for seq, entry in enumerate(signed_entries(source, key)):
        value = json.loads(entry.decode())
        kind, body = value["type"], value["body"]
        if kind == "rule.publish":
            rules[body.get("version")] = body.get("terms", {}).get("jury")
        elif kind == "claim.public":
            cases[body.get("case")] = body.get("ref")
        elif kind.split(".")[0] in {"draw", "jury", "incident"} and "stage" in body:
            stages.setdefault((body.get("ref"), body["stage"]), {}).setdefault(kind, []).append((seq, body))
            leaves[seq] = sha(b"\0" + entry)
    wanted = [place for place in sorted(stages) if not case or place[0] in {case, cases.get(case)}]
    if case and not wanted:
        raise Unchecked("%s: the log states no draw of it" % case)
    try:
        for ref, stage in wanted:
            told = stages[ref, stage]
            equal("draw_is_committed_once", 1, len(told.get("draw.commit", [])))
            if (ref, stage + 1) in stages or "incident" in told:
                equal("draw_is_committed_once", 1, len(told.get("incident", [])))
            data = source.read("draw/%s/%d" % (ref, stage))
            names = [data[at : at + 32] for at in range(0, len(data), 32)]
            seq, commit = told["draw.commit"][0]
            Draw(names, rules.get(commit["version"]), leaves[seq], told).check()
    except FAULTS as error:
        raise Unchecked("draw: %s %s" % (type(error).__name__, error)) from None
    return truly("draw", len(wanted))


# --- Everything ----------------------------------------------------------------------------------------------------
def check_all(given):
    """Check all there is, and keep what answers for history, too; return what to say. Raises: IsFalse, Unchecked."""
    source, missing = Source(given.source, given.keep), []
    key = source.key(given.key)
    told = [json.loads(entry.decode()) for entry in signed_entries(source, key)]
    periods = [one["body"].get("period") for one in told if one["type"] == "roll.close"]
    if source.keep:
        source.leaves(len(told))
        with contextlib.suppress(Unchecked):
            source.read("checkpoint.witnessed")
    todo = [("log", lambda: check_log(source, given.key))]
    todo += [("history", lambda: check_history(given.old, source, given.key))] if given.old else []
    todo += [("member", lambda: check_member(given))] if given.bundle else []
    todo += [("roll %d" % one, lambda one=one: check_roll(source, one, given.key)) for one in periods]
    todo.append(("draw", lambda: check_draw(source, "", given.key)))
    todo.append(("book", lambda: check_book(source, given.key, given.account)))
    todo += [("witnesses", lambda: check_witnesses(source, given.trusted))] if given.trusted else []
    for name, do in todo:
        try:
            print("%s: %s" % (name, "\n  ".join(do())))
        except (Unchecked, *FAULTS) as error:
            missing.append(name)
            print("%s: COULD NOT CHECK 未能检查\n  %s" % (name, error))
    if missing:
        raise Unchecked(" ".join(missing))
    return "True: all %d parts." % len(todo), "属实：全部 %d 项。" % len(todo)


def selftest():
    """Compute published examples. Raises: IsFalse."""
    key = read_key("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    signature = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    data = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"]
    root = root_of([sha(b"\0" + one) for one in data]).hex()
    said = b"This is an example message.\n"
    is_right, is_wrong = (is_signed(key[2], one, from_base64(signature)[4:]) for one in (said, said + b" "))
    if not is_right or is_wrong or root != "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328":
        raise IsFalse("selftest")
    return "True: the published examples are computed as published.", "属实：公开示例的计算结果一致。"


# What each command takes, and what it does.
COMMANDS = {
    "log": ("source --key", lambda of: check_log(Source(of.source), of.key)),
    "history": ("old source --key", lambda of: check_history(of.old, Source(of.source), of.key)),
    "member": ("bundle --id --secret --key", check_member),
    "roll": ("source period --key", lambda of: check_roll(Source(of.source), of.period, of.key)),
    "book": ("source --key --account", lambda of: check_book(Source(of.source), of.key, of.account)),
    "draw": ("source case --key", lambda of: check_draw(Source(of.source), of.case, of.key)),
    "witnesses": ("source trusted", lambda of: check_witnesses(Source(of.source), of.trusted)),
    "all": ("source --key --keep --old --trusted --bundle --id --secret --account", check_all),
    "selftest": ("", lambda _of: selftest()),
}


def main():
    """Do what the command line asks and return the exit code."""
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (words, _do) in COMMANDS.items():
        command = commands.add_parser(name)
        for word in words.split():
            default = None if word == "--id" else ""
            command.add_argument(word, default=default, type=int if word == "period" else str)
    given = parser.parse_args()
    try:
        said = COMMANDS[given.command][1](given)
    except IsFalse as error:
        print("FALSE 不实 [%s]\n%s" % (error.code, "\n".join(error.sentences)))
        if error.wanted or error.found:
            print("expected 应为: %s\nfound 实为: %s" % (error.wanted, error.found))
        return FALSE
    except (Unchecked, *FAULTS) as error:
        print("COULD NOT CHECK 未能检查\n%s" % (error if isinstance(error, Unchecked) else repr(error)))
        return UNCHECKED
    print("\n".join(said))
    if getattr(given, "key", None) == "":
        print("The key came with the files. 密钥取自同一来源。")
    return TRUE


if __name__ == "__main__":
    sys.exit(main())
