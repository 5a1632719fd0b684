//! The name server: it answers as the cases say, over UDP.

use std::{collections::HashMap, net::IpAddr};

use anyhow::Result;
use simple_dns::{
    CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE,
    rdata::{A, AAAA, CNAME, RData},
};
use tokio::net::UdpSocket;

use super::cases::{Answer, Case};

/// The domain of all names.
pub(super) const DOMAIN: &str = "hostile.example";

/// Answers for ever.
pub(super) async fn serve(cases: Vec<Case>) -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:53").await?;
    let (mut query, mut asked) = (vec![0; 4_096], HashMap::new());
    loop {
        let (length, from) = socket.recv_from(&mut query).await?;
        let packet = Packet::parse(&query[..length])?;
        if let Some(response) = respond(&packet, &cases, &mut asked)? {
            socket.send_to(&response, from).await?;
        }
    }
}

/// The response to a query; `None` for none. `asked` counts the look-ups of each name and type.
fn respond(
    query: &Packet<'_>,
    cases: &[Case],
    asked: &mut HashMap<(usize, bool), usize>,
) -> Result<Option<Vec<u8>>> {
    let mut response = Packet::new_reply(query.id());
    response.set_flags(PacketFlag::AUTHORITATIVE_ANSWER | PacketFlag::RECURSION_AVAILABLE);
    let Some(question) = query.questions.first() else { return Ok(None) };
    response.questions.push(question.clone());
    let name = question.qname.to_string();
    let is_v6 = question.qtype == QTYPE::TYPE(TYPE::AAAA);
    let number = name.split('.').next().and_then(|label| label.parse().ok());
    let Some((number, case)) = number.and_then(|number: usize| Some((number, cases.get(number)?))) else {
        *response.rcode_mut() = RCODE::NameError;
        return Ok(Some(response.build_bytes_vec_compressed()?));
    };
    let look_ups = asked.entry((number, is_v6)).or_default();
    *look_ups += 1;
    let mut owner = question.qname.clone().into_owned();
    let addresses = match &case.answer {
        Answer::Addresses(addresses) => addresses.clone(),
        Answer::Rebinding(first, others) => if *look_ups == 1 { first } else { others }.clone(),
        Answer::Chain(length, address) => {
            for link in 0..*length {
                let next = Name::new(&format!("link-{link}.{DOMAIN}"))?.into_owned();
                let data = RData::CNAME(CNAME(next.clone()));
                response.answers.push(ResourceRecord::new(owner, CLASS::IN, 0, data));
                owner = next;
            }
            vec![*address]
        }
        Answer::Missing => {
            *response.rcode_mut() = RCODE::NameError;
            Vec::new()
        }
        Answer::Failing => {
            *response.rcode_mut() = RCODE::ServerFailure;
            Vec::new()
        }
        Answer::Silent => return Ok(None),
    };
    let of_type = addresses.into_iter().filter(|ip| ip.is_ipv6() == is_v6);
    response.answers.extend(of_type.map(|ip| {
        let data = match ip {
            IpAddr::V4(ip) => RData::A(A { address: ip.into() }),
            IpAddr::V6(ip) => RData::AAAA(AAAA { address: ip.into() }),
        };
        ResourceRecord::new(owner.clone(), CLASS::IN, 0, data)
    }));
    Ok(Some(response.build_bytes_vec_compressed()?))
}
