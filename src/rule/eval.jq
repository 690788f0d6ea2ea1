# The evaluator of Weighhouse in jq, for people who want to reach an answer of
# the house without any program of the house. Plain jq 1.6 or newer:
#
#     jq -cS -f THIS-FILE evidence.json
#
# prints the bytes of `weighhouse line explain --json`.
# jq's numbers are doubles and null is less than any number, so nothing below
# compares a measured value as a number: decimals are read into [exponent,
# digit, digit, ...] (zero is []), and jq orders arrays element by element.
# What is not of the right type is unknown, and unknown opens nothing.

def ranks: {"self": 0, "contracted": 1, "independent": 2, "house": 3, "authority": 4};
def people: {
  "self": "the publisher itself",
  "contracted": "somebody whom the publisher pays",
  "independent": "an independent party",
  "house": "the house",
  "authority": "an authority"
};

# Decimals ------------------------------------------------------------------

# An array of digits whose first one stands for 10^$e, without outer zeros.
def normal($e):
  . as $d
  | [range(0; length) | select($d[.] != 0)]
  | if length == 0 then [] else [$e - .[0]] + $d[.[0]:.[-1] + 1] end;

# Text to decimal; null for anything that is no decimal.
def decimal:
  if type != "string" then null
  elif length > 112 then null
  elif (test("\\A(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]{1,9})?\\z") | not) then null
  else
    (ascii_downcase | split("e")) as $p
    | ($p[0] | split(".")) as $m
    | ($m[0] + ($m[1] // "")) as $digits
    | if ($digits | length) > 96 then null
      else
        (($p[1] // "0") | ltrimstr("+") | ltrimstr("-") | explode
          | reduce .[] as $c (0; . * 10 + ($c - 48))) as $size
        | (if (($p[1] // "") | startswith("-")) then -$size else $size end) as $e
        | $digits | explode | map(. - 48) | normal($e + ($m[0] | length) - 1)
        | if length > 0 and (.[0] > 999999999 or .[0] < -999999999) then null else . end
      end
  end;

# $a times a decimal $b of at most 12 digits, so that digit * $b stays exact.
def times($a; $b):
  if $a == [] or $b == [] then []
  else
    (reduce $b[1:][] as $d (0; . * 10 + $d)) as $factor
    | (reduce ($a[1:] | reverse[]) as $d ([[], 0];
         ($d * $factor + .[1]) as $v | ($v % 10) as $r
         | [.[0] + [$r], ($v - $r) / 10])) as $sum
    | ($sum[1] | tostring | explode | map(. - 48)) as $carry
    | $carry + ($sum[0] | reverse)
    | normal($a[0] + $b[0] + ($carry | length) - ($b | length) + 2)
  end;

# Evidence ------------------------------------------------------------------

def is_time:
  type == "string" and length == 20
  and test("\\A[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z\\z");

def is_digest: type == "string" and length == 64 and test("\\A[0-9a-f]{64}\\z");

def is_document:
  type == "object" and .v == 1 and (.subject | is_digest) and (.now | is_time)
  and (.evidence | type) == "object";

# Who, how and until when: of an object.
def has_envelope:
  (.by | type) == "string" and (.by as $by | ranks | has($by))
  and (.method | type) == "string" and (.method | length) > 0
  and has("expires") and (.expires == null or (.expires | is_time));

def read_interval:
  if .value != null then
    {state: (if .value == "unknown" and .lo == null and .hi == null
             then "unknown" else "malformed" end)}
  else
    (.lo | decimal) as $lo | (.hi | decimal) as $hi
    | if $lo == null or $hi == null then {state: "malformed"}
      elif $lo > $hi then {state: "malformed"}
      else
        {state: "used", lo: $lo, hi: $hi,
         text: (if .lo == .hi then .lo else .lo + " to " + .hi end)}
      end
  end;

def read_value($c):
  .value as $value
  | if .lo != null or .hi != null then {state: "malformed"}
    elif $value == "unknown" then {state: "unknown"}
    elif any($c.values[]; . == $value) then {state: "used", value: $value, text: $value}
    else {state: "malformed"}
    end;

# The item under comparison $c: {state, seen, lo, hi, value}.
def item($c; $now):
  if . == null then {state: "missing"}
  elif type != "object" then {state: "malformed"}
  elif (has_envelope | not) then {state: "malformed"}
  else
    . as $item
    | (if $c.values == null then read_interval else read_value($c) end)
    | if .state != "used" then .
      elif $item.expires != null and $item.expires <= $now then
        {state: "expired", seen: ("expired on " + $item.expires)}
      elif (ranks[$item.by]) < $c.by then
        {state: "dependent", seen: ("attested only by " + people[$item.by])}
      else .seen = .text + $c.unit + ", attested by " + people[$item.by]
      end
  end
  | .seen = (.seen // .state);

# Rules ---------------------------------------------------------------------

def turn: if . == "yes" then "no" elif . == "no" then "yes" else "unknown" end;

# Yes if the upper end, times the margin, is below $t ($touch: at most at it).
def is_below($lo; $hi; $c; $touch):
  ($c.threshold | decimal) as $t
  | times($hi; $c.margin | decimal) as $spared
  | if $spared < $t or ($touch and $spared == $t) then "yes"
    elif $lo > $t or (($touch | not) and $lo == $t) then "no"
    else "unknown"
    end;

def compare($c):
  .value as $value
  | if $c.op == "below" then is_below(.lo; .hi; $c; false)
    elif $c.op == "at-most" then is_below(.lo; .hi; $c; true)
    elif $c.op == "above" then is_below(.lo; .hi; $c; true) | turn
    elif $c.op == "at-least" then is_below(.lo; .hi; $c; false) | turn
    elif $c.op == "known" then "yes"
    elif $c.op == "one-of" and any($c.yes[]; . == $value) then "yes"
    elif $c.op == "one-of" and any($c.no[]; . == $value) then "no"
    else "unknown"
    end;

# {answer, checks} of one condition; . is the document, or null if malformed.
def condition($c):
  if $c.claim != null then
    (if . == null then {state: "malformed", seen: "malformed"}
     else .now as $now | .evidence[$c.claim] | item($c; $now) end)
    | (if .state == "used" then compare($c) else "unknown" end) as $answer
    | {answer: $answer,
       checks: [{answer: $answer, claim: $c.claim, need: $c.need, seen: .seen, state: .state}]}
  else
    . as $doc
    | [$c.of[] | . as $kid | $doc | condition($kid)]
    | [.[].checks[]] as $checks
    | ([.[] | select(.answer == "yes")] | length) as $yes
    | ([.[] | select(.answer == "unknown")] | length) as $unknown
    | (if $yes >= $c.k then "yes" elif $yes + $unknown < $c.k then "no" else "unknown" end)
    | {answer: (if $c.op == "not" then turn else . end), checks: $checks}
  end;

def apply($line):
  (if is_document then . else null end) as $doc
  | [$line.rules[] | . as $rule | $doc | condition($rule.when)
      | {answer, checks, id: $rule.id, sentence: $rule.sentence}] as $rules
  | ([range(0; $rules | length)
      | select($rules[.].answer == "no" and $line.rules[.].if_no == "above")] | length) as $above
  | (if $above > 0 then "above"
     elif all($rules[]; .answer == "yes") then "below"
     else "unsure" end) as $answer
  | {answer: $answer,
     digest: $line.digest,
     line: $line.name,
     missing: (reduce ($rules[] | select(.answer == "unknown") | .checks[]
                       | select(.state != "used") | .claim) as $claim
                ([]; if any(.[]; . == $claim) then . else . + [$claim] end)),
     now: (if $doc == null then null else $doc.now end),
     rules: $rules,
     subject: (if $doc == null then null else $doc.subject end),
     tiers: $line.outcome[$answer],
     v: 1,
     version: $line.version};

