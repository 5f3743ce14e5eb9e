"""How the members' tables let go of a person: everything that tells who they are goes, numbers and days stay."""

from members.people.erasure_sql import FORMER_ADDRESS, UNKNOWN, counted, eraser

# Their own memberships, and those of children without an account for whom they have signed.
OF_PERSON = """
CREATE OR REPLACE FUNCTION members_of_person(p_person bigint)
RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT id FROM members_membership WHERE person_id = p_person
    UNION
    SELECT m.id FROM members_membership m JOIN members_familymember f ON f.membership_id = m.id
      JOIN members_membership g ON g.id = f.guardian_id
     WHERE m.person_id IS NULL AND g.person_id = p_person
$$;
REVOKE ALL ON FUNCTION members_of_person(bigint) FROM PUBLIC;
"""
DROP_OF_PERSON = "DROP FUNCTION members_of_person(bigint)"

OWN = "(SELECT members_of_person(gone))"
_PLACEHOLDER = f"'former-' || gen_random_uuid() || '{FORMER_ADDRESS}'"
_ADDRESSES = "(SELECT lower(email) FROM account_emailaddress WHERE user_id = gone UNION SELECT was)"
_DECIDED = """EXISTS (SELECT 1 FROM members_memberimport i WHERE i.id = r.member_import_id
                        AND i.state IN ('approved', 'withdrawn'))"""

# The account comes last: guards know by its address whose a listed row or an invitation is.
ERASE = eraser(
    "members_erase",
    "    SELECT lower(email) INTO was FROM members_user WHERE id = gone;\n"
    + counted(
        "DELETE FROM members_notice WHERE person_id = gone",
        f"DELETE FROM members_mail WHERE person_id = gone OR lower(to_address) IN {_ADDRESSES}",
        "DELETE FROM members_textmessage WHERE person_id = gone",
        "DELETE FROM members_textchoice WHERE person_id = gone",
        "DELETE FROM members_phone WHERE person_id = gone",
        "DELETE FROM members_apitoken WHERE person_id = gone",
        "DELETE FROM members_noticechoice WHERE person_id = gone",
        "DELETE FROM members_noticehours WHERE person_id = gone",
        """UPDATE members_complaint SET text_sealed = '', answer_sealed = CASE WHEN answer_sealed IS NOT NULL THEN ''::bytea END,
               remark_sealed = CASE WHEN remark_sealed IS NOT NULL THEN ''::bytea END,
               second_sealed = CASE WHEN second_sealed IS NOT NULL THEN ''::bytea END
         WHERE person_id = gone""",
        "UPDATE members_joinapplication SET identity_sealed = NULL, answers_sealed = NULL"
        " WHERE person_id = gone AND state = 'draft'",
        f"UPDATE members_covenantsignature SET answers_sealed = '' WHERE membership_id IN {OWN}",
        "UPDATE members_guardianrequest SET proof_sealed = ''"
        " WHERE asker_id IN (SELECT id FROM members_membership WHERE person_id = gone)",
        f"UPDATE members_invitation SET label_sealed = '' WHERE inviter_id IN {OWN} OR used_by_id IN {OWN}",
        f"""UPDATE members_deputylink SET label_sealed = '', name_sealed = CASE WHEN name_sealed IS NOT NULL THEN ''::bytea END
         WHERE membership_id IN {OWN} OR deputy_id IN (SELECT id FROM members_deputy WHERE person_id = gone)""",
        f"UPDATE members_dutyinvitation SET email = {_PLACEHOLDER} WHERE person_id = gone OR email IN {_ADDRESSES}",
        f"""UPDATE members_importedmember r SET email = {_PLACEHOLDER}, document_index = {UNKNOWN}, sealed = '',
               proof = CASE proof WHEN '' THEN '' ELSE '-' END, payer = CASE payer WHEN '' THEN '' ELSE {_PLACEHOLDER} END
         WHERE (membership_id IN {OWN} OR membership_id IS NULL AND email = was) AND {_DECIDED}""",
        f"UPDATE members_importedmember SET payer = {_PLACEHOLDER} WHERE payer = was",
        f"UPDATE members_familymember SET sealed = '', document_index = {UNKNOWN} WHERE membership_id IN {OWN}",
        f"""UPDATE members_reportedend SET statement = CASE statement WHEN '' THEN '' ELSE '-' END
         WHERE membership_id IN {OWN}""",
        f"""UPDATE members_membership SET birth_date = NULL, sex = '', region = ''
         WHERE id IN {OWN} AND (birth_date IS NOT NULL OR sex <> '' OR region <> '')""",
        f"""UPDATE members_identitycorrection SET reason_sealed = '', proof_sealed = '', paper_sealed = '', sex = '',
               region = '', birth_date = NULL, document_index = {UNKNOWN}, was_sex = '', was_region = '',
               was_birth_date = NULL, was_sealed = CASE WHEN was_sealed IS NOT NULL THEN ''::bytea END
         WHERE person_id = gone OR person_id IS NULL AND membership_id IN {OWN}""",
        f"DELETE FROM members_membersecret WHERE membership_id IN {OWN}",
        "DELETE FROM members_identity WHERE person_id = gone",
        """DELETE FROM account_emailconfirmation WHERE email_address_id IN (
             SELECT id FROM account_emailaddress WHERE user_id = gone)""",
        "DELETE FROM account_emailaddress WHERE user_id = gone",
        "DELETE FROM mfa_authenticator WHERE user_id = gone",
        """DELETE FROM django_session WHERE session_key IN (
             SELECT session_key FROM usersessions_usersession WHERE user_id = gone)""",
        "DELETE FROM usersessions_usersession WHERE user_id = gone",
        f"""UPDATE members_user SET email = {_PLACEHOLDER}, name = '', name_zh = '',
               password = '!' || gen_random_uuid(), is_active = false, last_login = NULL, erased_at = aid_now()
         WHERE id = gone""",
    ),
)
DROP_ERASE = "DROP FUNCTION members_erase(bigint)"
