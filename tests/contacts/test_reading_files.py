"""Any common file is read into the same rows, and a file that cannot be used says what to change."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import pytest

from revox_langchain.contacts import read_contacts
from revox_langchain.errors import InvalidInput

HEADERS = {
    "phone": "utf-8",
    "Phone Number": "utf-8",
    "toPhoneNumber": "utf-8",
    "Telefonnummer": "utf-8",
    "Handy-Nr. Telefon": "utf-8",
    "Numéro de téléphone": "utf-8",
    "N° de téléphone": "utf-8",
    "Teléfono móvil": "utf-8",
    "telefone": "utf-8",
    "Номер телефона": "utf-8",
    "Телефон (моб.)": "utf-8",
    "номер": "utf-8",
    "电话号码": "utf-8",
    "客户手机": "utf-8",
    "電話番号": "utf-8",
    "전화번호": "utf-8",
    "رقم الهاتف": "utf-8",
    "τηλέφωνο": "utf-8",
    "Telefon numarası": "utf-8",
}


@pytest.mark.parametrize("header", HEADERS)
def test_the_column_of_numbers_is_recognized_in_any_language(header):
    contacts = read_contacts(f"name,{header}\nZoë,+33142685300\n".encode())
    assert contacts.columns.number == 1
    assert [row.phone.e164 for row in contacts.contacts] == ["+33142685300"]


@pytest.mark.parametrize("header", ["Sprache", "langue", "Idioma", "язык", "语言", "preferred_language", "Locale"])
def test_the_column_of_languages_is_recognized_in_any_language(header):
    contacts = read_contacts(f"phone,{header}\n+33142685300,français\n".encode())
    assert contacts.rows[0].language == "fr"


@pytest.mark.parametrize("header", ["Kundennummer", "customer_id", "référence", "номер клиента", "客户编号", "ID"])
def test_the_column_of_references_is_recognized_in_any_language(header):
    contacts = read_contacts(f"phone,{header}\n+33142685300,K-7\n".encode())
    assert contacts.rows[0].key == "K-7"


def test_a_language_comes_before_a_locale():
    contacts = read_contacts(b"phone,locale,language\n+33142685300,de_DE,fr\n")
    assert contacts.rows[0].language == "fr"


def test_columns_can_be_named_and_switched_off():
    data = b"id,fax,kanal,lang\n7,+33142685300,de,fr\n"
    contacts = read_contacts(data, number_column="FAX", language_column="kanal", key_column=False)
    assert (contacts.rows[0].phone.e164, contacts.rows[0].language) == ("+33142685300", "de")
    assert contacts.rows[0].key == "+33142685300"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "phone;name\n+33142685300;Zoë Łukasz 王伟\n"),
        ("utf-8-sig", "phone;name\n+33142685300;Zoë Łukasz 王伟\n"),
        ("utf-16", "phone;name\n+33142685300;Zoë Łukasz 王伟\n"),
        ("utf-16-le", "phone;name\n+33142685300;Zoë\n"),
        ("utf-16-be", "phone;name\n+33142685300;Zoë\n"),
        ("latin-1", "téléphone;prénom\n+33142685300;Hélène\n"),
        ("latin-1", "phone;name\n+33142685300;Hélène\n"),
        ("latin-1", "Telefon;Name\n+4930901820;Jürgen Groß\n"),
        ("cp1251", "телефон;имя\n+74951234567;Ольга\n"),
        ("cp1251", "phone;name\n+74951234567;Иван Петров\n+74951234568;Ольга Смирнова\n"),
        ("gb18030", "电话,姓名\n+8613812345678,王伟\n"),
        ("gb18030", "phone,name\n+8613812345678,王伟\n+8613812345679,李娜\n"),
        ("cp932", "電話,名前\n+81312345678,田中太郎\n"),
    ],
)
def test_encodings_are_told_apart(encoding, text):
    contacts = read_contacts(text.encode(encoding))
    assert [row.cells[1] for row in contacts.rows] == [
        line.replace(",", ";").split(";")[1] for line in text.split("\n")[1:-1]
    ]
    assert len(contacts.contacts) == len(contacts.rows)
    assert any("encoding" in note for note in contacts.notes) is (not encoding.startswith("utf"))


def test_an_encoding_can_be_given():
    contacts = read_contacts("phone,name\n+48221234567,Łukasz Żółć\n".encode("cp1250"), encoding="cp1250")
    assert contacts.rows[0].cells[1] == "Łukasz Żółć"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_separators_and_ends_of_lines_are_found(separator, ending):
    lines = ["phone|name|note", '+33142685300|"a, b; c"|', '+33142685301|x|"1,5; 2"']
    contacts = read_contacts(ending.join(lines).replace("|", separator).encode())
    assert [row.cells[1] for row in contacts.rows] == ["a, b; c", "x"]


def test_excels_line_with_the_separator_is_no_row():
    contacts = read_contacts(b"sep=;\nname;phone\na;\n")
    assert (contacts.problems[0].line, contacts.problems[0].column) == (2, "phone")


def test_a_column_alone_is_a_table():
    assert len(read_contacts(b"phone\n+33142685300\n+33142685301").contacts) == 2


def test_rows_are_numbered_as_a_spreadsheet_numbers_them():
    contacts = read_contacts(b'\nphone,name\n+33142685300,"two\nlines"\n\n,x\n')
    assert [row.line for row in contacts.rows] == [3, 5]


def test_json_is_read_with_the_digits_that_were_written():
    contacts = read_contacts(b'[{"phone": "+33142685300", "age": 42, "ok": true}, {"phone": 3.31427E+10, "tags": [1]}]')
    assert contacts.rows[0].fields(contacts.columns) == {"phone": "+33142685300", "age": "42", "ok": "true", "tags": ""}
    assert contacts.problems[0].code == "scientific_notation"


def test_json_may_hold_the_list_under_a_name():
    assert len(read_contacts(json.dumps({"contacts": [{"phone": "+33142685300"}], "n": 1}).encode()).contacts) == 1


def test_json_lines_are_read_line_by_line(tmp_path: Path):
    path = tmp_path / "c.jsonl"
    path.write_text('{"phone": "+33142685300"}\n\n{"phone": \n5\n{"phone": "+33142685301", "name": "x"}\n')
    contacts = read_contacts(path)
    assert [(row.line, row.state) for row in contacts.rows] == [
        (1, "ready"),
        (3, "rejected"),
        (4, "rejected"),
        (5, "ready"),
    ]
    assert [problem.code for problem in contacts.problems] == ["bad_json", "not_an_object"]


def test_dicts_are_read_as_they_are():
    contacts = read_contacts([{"phone": "+33142685300", "name": None}, {"name": "x", "phone": 33142685301}])
    assert [row.line for row in contacts.rows] == [1, 2]
    assert contacts.problems[0].code == "missing_country"
    assert contacts.problems[0].proposal == "+33142685301"


def sheet(*rows: str) -> bytes:
    """A workbook with one sheet, made of the XML of its rows."""
    content = io.BytesIO()
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="r1" Type="{links}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets><sheet name="People" sheetId="1" r:id="r1"/>'
            '<sheet name="Old" sheetId="2" r:id="r2"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="r1" Type="{links}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="r2" Type="{links}/worksheet" Target="worksheets/sheet2.xml"/></Relationships>',
        )
        for name, content_rows in (("sheet1", rows), ("sheet2", ())):
            archive.writestr(
                f"xl/worksheets/{name}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{"".join(content_rows)}</sheetData></worksheet>',
            )
    return content.getvalue()


def text(place: str, value: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


def test_a_workbook_is_read_with_its_row_numbers():
    pytest.importorskip("python_calamine")
    data = sheet(
        f'<row r="3">{text("B3", "Telefon")}{text("C3", "Name")}</row>',
        f'<row r="4"><c r="B4"><v>33142685300</v></c>{text("C4", "Zoë")}</row>',
        f'<row r="6">{text("B6", "+33142685301")}<c r="C6"><f>1+1</f><v>2</v></c></row>',
        f'<row r="7">{text("C7", "nobody")}</row>',
    )
    contacts = read_contacts(data, default_country="FR")
    assert [(row.line, row.state) for row in contacts.rows] == [(4, "ready"), (6, "ready"), (7, "rejected")]
    assert contacts.rows[0].cells[1:] == ("33142685300", "Zoë")
    assert contacts.rows[0].read_as == ("lost_plus",)
    assert contacts.rows[1].cells[2] == "2"


def test_a_sheet_can_be_named_and_one_that_is_not_there_is_an_error():
    pytest.importorskip("python_calamine")
    data = sheet(f'<row r="1">{text("A1", "phone")}</row>', f'<row r="2">{text("A2", "+33142685301")}</row>')
    assert len(read_contacts(data, sheet="People").contacts) == 1
    with pytest.raises(InvalidInput, match="did you mean 'People'") as caught:
        read_contacts(data, sheet="Peple")
    assert caught.value.code == "unknown_sheet"


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "empty_file", "header"),
        (b"\xef\xbb\xbf\r\n \n", "empty_file", "header"),
        (b"phone,name\n\n,\n", "empty_file", "after the header"),
        (b"[]", "empty_file", "header"),
        (b"name,city\nZoe,Paris\n", "no_number_column", "number_column="),
        (b"+33142685300,Zoe\n+33142685301,Max\n", "no_header", "phone,name"),
        (b"phone,mobile\n1,2\n", "ambiguous_column", "number_column='phone'"),
        (b"phone,phone\n1,2\n", "ambiguous_column", "different names"),
        (b"phone,customer id,ref\n1,2,3\n", "ambiguous_column", "key_column=False"),
        (b'phone,name\n+33142685300,"Zoe\n+33142685301,Max\n', "unclosed_quote", "row 2"),
        (b"<html><table><tr><td>phone</td></tr></table></html>", "unreadable_table", "save it as XLSX or CSV"),
        (b'[{"phone": "+33142685300"', "unreadable_json", "line 1"),
        (b'{"phone": {"a": 1}, "x": [1], "y": [2]}', "unreadable_json", "list of objects"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_change(data, code, says):
    with pytest.raises(InvalidInput) as caught:
        read_contacts(data)
    assert caught.value.code == code
    assert says in str(caught.value)


def test_a_column_that_is_not_there_names_those_that_are():
    with pytest.raises(InvalidInput, match="did you mean 'Telefon'") as caught:
        read_contacts(b"Telefon,Name\n1,2\n", number_column="Telfon")
    assert caught.value.code == "unknown_column"


def test_a_file_larger_than_the_limit_is_refused_before_it_is_read(tmp_path: Path):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate((50 << 20) + 1)
    with pytest.raises(InvalidInput, match=r"52,428,800.*max_bytes") as caught:
        read_contacts(path)
    assert caught.value.code == "too_large"


def test_a_file_that_is_not_there_is_named_without_its_folder(tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"'none\.csv' cannot be read") as caught:
        read_contacts(tmp_path / "none.csv")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("module", "data"),
    [
        ("charset_normalizer", "phone,name\n+33142685300,Hélène\n".encode("cp1252")),
        ("python_calamine", b"PK\x03\x04"),
    ],
)
def test_a_missing_extra_is_named(module, data, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InvalidInput, match=r'pip install "revox-langchain\[campaigns\]"') as caught:
        read_contacts(data)
    assert caught.value.code == "missing_extra"


@pytest.mark.parametrize("module", ["charset_normalizer", "python_calamine"])
def test_csv_and_json_in_utf_8_need_no_extra(module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    assert len(read_contacts("phone,name\n+33142685300,Zoë\n".encode()).contacts) == 1
    assert len(read_contacts('[{"phone": "+33142685300", "name": "Zoë"}]'.encode()).contacts) == 1


def test_a_byte_that_fits_no_encoding_is_named_with_its_line():
    with pytest.raises(InvalidInput, match="Line 3") as caught:
        read_contacts(b"\xef\xbb\xbfphone\n+33142685300\n\xff\xff\n")
    assert caught.value.code == "wrong_encoding"


@pytest.mark.parametrize("country", ["France", "XX", ""])
def test_a_default_country_that_is_none_is_named(country):
    with pytest.raises(InvalidInput, match='default_country="FR"'):
        read_contacts(b"phone\n1\n", default_country=country)


def test_a_header_that_no_one_knows_is_answered_with_the_column_that_looks_like_numbers():
    data = "nimi,yhteys,summa\nZoë,+33 1 42 68 53 00,12\nMax,+33142685301,1400\n".encode()
    with pytest.raises(InvalidInput, match=r"'nimi', 'yhteys', 'summa'.*number_column='yhteys' \(its cells") as caught:
        read_contacts(data)
    assert caught.value.code == "no_number_column"
    assert len(read_contacts(data, number_column="yhteys").contacts) == 2


@pytest.mark.slow
def test_a_line_in_another_encoding_is_named_and_garbles_nothing():
    data = "phone,name\n+33142685300,Zoë\n+33142685301,Hélène\n".encode() + "+33142685302,Noël\n".encode("cp1252")
    with pytest.raises(InvalidInput, match="Line 4 of the file is not UTF-8") as caught:
        read_contacts(data)
    assert caught.value.code == "wrong_encoding"
